// The admin port: who reaches it, and what it says.

import { networkInterfaces } from 'node:os';
import { type Attack, NotHere, require } from '../attack.ts';
import { open, raw, request } from '../raw.ts';
import { ask } from './api-ask.ts';

const attack = (name: string, tries: string, expects: string, run: Attack['run']): Attack => ({
  ...{ area: 'admin', name, tries, expects, run },
});

export const ADMIN: readonly Attack[] = [
  attack(
    'from another address',
    'the admin port by an address of this machine that is not loopback',
    'the connection is refused',
    async (target) => {
      const outside = Object.values(networkInterfaces())
        .flatMap((all) => all ?? [])
        .find(({ internal, family }) => !internal && family === 'IPv4')?.address;
      if (outside === undefined) throw new NotHere('this machine has loopback only');
      for (const { admin } of target.addresses.agents) {
        const socket = open(`http://${outside}:${new URL(admin).port}`);
        const connected = await new Promise<boolean>((resolve) => {
          socket.once('connect', () => resolve(true));
          socket.once('error', () => resolve(false));
        });
        socket.destroy();
        require(!connected, `${outside} reaches the admin port`);
      }
    },
  ),
  attack(
    'secrets in what it tells',
    'config, metrics, info and health, searched for secrets',
    'none there',
    async (target) => {
      const [agent] = target.addresses.agents;
      const { webhookSecret } = target.addresses;
      for (const path of ['/config', '/metrics', '/info', '/health', '/nothing']) {
        const { text } = await ask(agent?.admin ?? '', path, { headers: { accept: 'text/plain' } });
        require(!text.includes(webhookSecret), `${path} shows the webhook secret`);
      }
    },
  ),
  attack(
    'garbage',
    'smuggling, floods, other paths and methods at the admin port',
    'refused',
    async (target) => {
      const url = target.addresses.agents[0]?.admin ?? '';
      const host = `Host: ${new URL(url).host}`;
      const tries = [
        request(
          'POST /config',
          [host, 'Content-Length: 5', 'Transfer-Encoding: chunked'],
          '0\r\n\r\nGET /x HTTP/1.1\r\n\r\n',
        ),
        request('GET /metrics', [host, `X: ${'a'.repeat(1_500_000)}`]),
        request('GET /../../etc/passwd', [host]),
        request('GET /debug/pprof/heap', [host]),
        request('PUT /config', [host, 'Content-Length: 0']),
      ];
      for (const bytes of tries) {
        const { statuses } = await raw(url, bytes);
        require(statuses.every((status) => status >= 400 && status < 500), `answered ${statuses.join(', ')}`);
      }
    },
  ),
];
