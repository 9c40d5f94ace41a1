// One attempt to connect to the bus: what the client is given, and what a failure becomes.

import { expect, it } from 'vitest';
import { serveHttp } from '../../infra/local/tools/http.ts';
import { BusUnreachable, type Connect, connectBus } from '../../io/nats.ts';

const PLACE = { servers: ['ws://bus.test:8080'], name: 'a-test', timeoutMs: 2_000 };

it('never leaves it to the client to connect again, and keeps a user’s answers apart', async () => {
  let given: unknown;
  const connectTo = (async (options: unknown) => {
    given = options;
    return {};
  }) as unknown as Connect;
  await connectBus({ ...PLACE, options: { noEcho: true }, connectTo }, { user: 'agent', password: 'word' });
  expect(given).toMatchObject({
    servers: PLACE.servers,
    name: 'a-test',
    timeout: 2_000,
    reconnect: false,
    noEcho: true,
    user: 'agent',
    pass: 'word',
    inboxPrefix: '_INBOX.agent',
  });
  expect(given).not.toHaveProperty('token');
});

it('says why a real attempt failed', async () => {
  const gone = await serveHttp(async () => {}, 0);
  await gone.close();
  const servers = [gone.url.replace('http:', 'ws:')];
  const error = await connectBus({ ...PLACE, servers }, {}).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(BusUnreachable);
  const { busCause, message, cause } = error as BusUnreachable;
  expect(busCause.kind).toBe('connection-refused');
  expect(message).toBe(busCause.says);
  expect(cause).toBeInstanceOf(Error);
});
