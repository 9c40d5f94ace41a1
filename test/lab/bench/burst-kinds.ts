// The webhooks of a burst: of every kind that a sender may send, each with the answer that the rules give it. Only makes them.

import { signWebhook, WEBHOOK_BODY_BYTES_MAX } from '../../../core/webhook.ts';
import type { DatafileJson } from '../../../infra/local/optimizely/datafile.ts';
import { webhookBody } from '../../../infra/local/stack/client.ts';
import type { StackAddresses } from '../../../infra/local/stack/options.ts';

export interface BurstWebhook {
  readonly kind: string;
  /** What it has to be answered. */
  readonly expected: number;
  readonly method: string;
  /** Added to the webhook's URL. */
  readonly pathSuffix: string;
  readonly body: Buffer;
  readonly signature: string | null;
}

export interface BurstFacts {
  readonly addresses: StackAddresses;
  /** Revisions that the CDN went through before the burst, oldest first; it serves the last. */
  readonly fresh: readonly DatafileJson[];
  /** What the record has already. */
  readonly known: DatafileJson;
  /** Of another environment, newer than its record. */
  readonly other: DatafileJson;
  /** A revision that the CDN does not serve yet. */
  readonly ahead: DatafileJson;
  readonly nowS: number;
}

/** Five hundred, in their kinds' order. */
export function burstWebhooks(facts: BurstFacts): BurstWebhook[] {
  const { addresses, fresh, known, other, ahead, nowS } = facts;
  const { webhookSecret, projectId } = addresses;
  const bodyOf = (datafile: DatafileJson, i = 0) => webhookBody(addresses, datafile, nowS - i);
  const newest = fresh.at(-1) as DatafileJson;
  const edited = (search: string, replacement: string) =>
    Buffer.from(bodyOf(newest).toString().replace(search, replacement));
  const many = (
    kind: string,
    count: number,
    expected: number,
    make: (i: number) => Buffer,
    how: Partial<Pick<BurstWebhook, 'method' | 'pathSuffix'>> & {
      sign?: (body: Buffer) => string | null;
    } = {},
  ): BurstWebhook[] => {
    const { method = 'POST', pathSuffix = '', sign = (body) => signWebhook(body, webhookSecret) } = how;
    return Array.from({ length: count }, (_, i) => {
      const body = make(i);
      return { kind, expected, method, pathSuffix, body, signature: sign(body) };
    });
  };
  const padding = ' '.repeat(WEBHOOK_BODY_BYTES_MAX);
  return [
    ...many('new revisions', 100, 204, (i) => bodyOf(fresh[i % fresh.length] as DatafileJson, i)),
    ...many('one repeated, byte for byte', 100, 204, () => bodyOf(newest)),
    ...many('older revision', 60, 204, (i) => bodyOf(known, i)),
    ...many('another environment', 40, 204, (i) => bodyOf(other, i)),
    ...many('ahead of the CDN', 20, 202, (i) => bodyOf(ahead, i)),
    ...many('forged', 60, 401, (i) => bodyOf(newest, i), { sign: (body) => signWebhook(body, 'guessed') }),
    ...many('unsigned', 20, 401, (i) => bodyOf(newest, i), { sign: () => null }),
    ...many('oversized', 20, 413, (i) => Buffer.concat([bodyOf(newest, i), Buffer.from(padding)])),
    ...many('unknown project', 20, 204, () => edited(`"project_id": ${projectId}`, '"project_id": 404')),
    ...many('unknown environment', 10, 204, () =>
      Buffer.from(
        edited(/"cdn_url": "[^"]*"/.exec(bodyOf(newest).toString())?.[0] ?? '', '"cdn_url": ""')
          .toString()
          .replace(/"environment": "[^"]*"/, '"environment": "Elsewhere"'),
      ),
    ),
    ...many('another event', 10, 204, () => edited('project.datafile_updated', 'project.flag_created')),
    ...many('malformed', 20, 400, (i) => bodyOf(newest, i).subarray(0, -2)),
    ...many('wrong path', 10, 404, (i) => bodyOf(newest, i), { pathSuffix: '/else' }),
    ...many('wrong method', 10, 405, (i) => bodyOf(newest, i), { method: 'PUT' }),
  ];
}
