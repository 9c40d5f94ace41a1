// The table of routes against what is served: every path of it is answered at its port, and no other is.

import { expect, it } from 'vitest';
import { ROUTES, type RouteTable } from '../../../agent/http/routes.ts';
import { type Asked, startDoor } from '../support/door.ts';
import { KEY } from '../support/fakes.ts';

const BELOW: Readonly<Record<string, string>> = {
  '/datafiles/*': `/datafiles/${KEY}.json`,
  '/ofrep/v1/evaluate/flags/*': '/ofrep/v1/evaluate/flags/flag_1',
};
/** In the words of the routes themselves, where others could say 404 or 405 too. */
const NOWHERE: readonly unknown[] = [404, 405];

it('every path of the table is answered at its port', async () => {
  const door = await startDoor();
  const ports = { api: door.api, admin: door.admin, webhook: door.webhook };
  for (const [port, table] of Object.entries<RouteTable>(ROUTES))
    for (const route of Object.keys(table)) {
      const [method = '', path = ''] = route.split(' ');
      // Streams have no end.
      if (path.endsWith('stream')) continue;
      const asked: Asked = {
        method,
        path: BELOW[path] ?? path,
        headers: { 'content-type': 'application/json' },
      };
      const body = '{"context":{"targetingKey":"u"},"userId":"u"}';
      const { status, text } = await ports[port as keyof typeof ports](
        method === 'POST' ? { ...asked, body } : asked,
      );
      expect(NOWHERE, `${port}: ${route}: ${text}`).not.toContain(status);
    }
});

it('no path is served that the table does not have', async () => {
  const { admin } = await startDoor();
  const { text } = await admin({ path: '/metrics', headers: { accept: 'text/plain' } });
  const served = [...text.matchAll(/seconds_count\{route="((?:GET|POST) [^"]+)"/g)].map(([, route]) => route);
  const listed = Object.values<RouteTable>(ROUTES).flatMap((table) => Object.keys(table));
  expect(served.toSorted()).toEqual([...new Set(listed)].sort());
});
