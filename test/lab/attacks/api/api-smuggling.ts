// Requests that a proxy before the agent could read differently from the agent: an attacker who makes the two differ reads
// and writes in the names of other clients.

import { type Attack, require } from '../attack.ts';
import { raw, request } from '../raw.ts';
import type { Target } from '../target.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n';

const hostOf = (target: Target): string => new URL(target.agent).host;

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'agent API', name, tries, expects, run },
});

/** A request that a proxy and the agent could take for two different ones. */
const ambiguous = (target: Target): readonly (readonly [string, string])[] => {
  const post = (headers: readonly string[], body: string) =>
    request(
      'POST /v1/decide',
      [`Host: ${hostOf(target)}`, 'Content-Type: application/json', ...headers],
      body,
    );
  const chunks = `0\r\n\r\n${SMUGGLED}`;
  return [
    ['length and chunks', post([`Content-Length: ${chunks.length}`, 'Transfer-Encoding: chunked'], chunks)],
    ['two lengths', post(['Content-Length: 0', `Content-Length: ${SMUGGLED.length}`], SMUGGLED)],
    ['a list of lengths', post([`Content-Length: 0, ${SMUGGLED.length}`], SMUGGLED)],
    ['a signed length', post([`Content-Length: +${SMUGGLED.length}`], SMUGGLED)],
    ['an unknown coding', post(['Transfer-Encoding: xchunked'], chunks)],
    ['a coding twice', post(['Transfer-Encoding: chunked', 'Transfer-Encoding: identity'], chunks)],
    ['a space before the colon', post(['Transfer-Encoding : chunked'], chunks)],
    ['a folded header', post(['Transfer-Encoding:\r\n chunked'], chunks)],
    ['a bare line feed', post([`X: y\nTransfer-Encoding: chunked`, 'Content-Length: 5'], chunks)],
    ['a chunk of a wrong length', post(['Transfer-Encoding: chunked'], `-1\r\nx\r\n${chunks}`)],
    ['an endless chunk length', post(['Transfer-Encoding: chunked'], `${'f'.repeat(40)}\r\nx`)],
    ['a length that is none', post(['Content-Length: 1e1'], SMUGGLED)],
  ];
};

export const API_SMUGGLING: readonly Attack[] = [
  attack(
    'request smuggling',
    'lengths and codings that contradict each other',
    'refused and closed, nothing smuggled in',
    async (target) => {
      for (const [what, bytes] of ambiguous(target)) {
        const { statuses, closed } = await raw(target.agent, bytes);
        require(statuses.length <= 1, `${what}: answered ${statuses.join(', ')}`);
        require(statuses.every((status) => status >= 400), `${what}: answered ${statuses.join(', ')}`);
        require(closed, `${what}: the connection stays open`);
      }
    },
  ),
];
