// The bytes of each answer, and of all answers under way, are limited, on every route and with clients that read slowly.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../../support/eventually.ts';
import { SDK_KEY, startRecorded } from '../recorded-agent.ts';

const LIMITS = {
  FANOUT_ANSWER_SIZE_MAX: '48MB',
  FANOUT_ANSWERS_IN_FLIGHT_MAX: '48MB',
  FANOUT_BODY_SIZE_MAX: '48MB',
  FANOUT_USER_BODY_SIZE_MAX: '48MB',
};
const user = (bytes: number, more: object = {}) => ({
  userId: 'u',
  userAttributes: { a: 'x'.repeat(bytes) },
  ...more,
});

async function setUp() {
  const agent = await startRecorded({ env: LIMITS });
  const flags = ((await agent.post('/v1/decide', { userId: 'u' })).json as unknown[]).length;
  // So that all flags' answers are a little more than half of the limit, or nearly three times as much.
  return {
    ...agent,
    flags,
    half: user(Math.ceil((27 * 1024 ** 2) / flags)),
    over: user(Math.ceil((60 * 1024 ** 2) / flags)),
  };
}

/** A client that asks and does not read. */
async function unread(url: string, body: object): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {});
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  socket.pause();
  const text = JSON.stringify(body);
  socket.write(
    `POST /v1/decide HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nX-Optimizely-SDK-Key: ${SDK_KEY}\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
  );
  return socket;
}

describe('an answer', () => {
  it('an answer that would be too large is refused, by the engine and by the SDK alike, and nothing is left of it', async () => {
    const { post, over, half } = await setUp();
    for (const options of [[], ['INCLUDE_REASONS'], ['ENABLED_FLAGS_ONLY']]) {
      const { status, text } = await post('/v1/decide', { ...over, decideOptions: options });
      expect([options, status]).toEqual([options, 400]);
      expect(text).toContain('FANOUT_ANSWER_SIZE_MAX');
    }
    expect(await post('/v1/activate?type=feature', over)).toMatchObject({ status: 400 });
    for (let i = 0; i < 5; i++) expect((await post('/v1/decide', half)).status).toBe(200);
  });

  it('an answer of a batch counts those of its operations', async () => {
    const { post, half } = await setUp();
    const headers = { 'X-Optimizely-SDK-Key': SDK_KEY, 'Content-Type': 'application/json' };
    const operation = { method: 'POST', url: '/v1/decide', operationID: 'a', headers, body: half };
    const small = { ...operation, operationID: 'b', body: { userId: 'u' } };
    const { status, json } = await post('/v1/batch', { operations: [operation, operation, small] });
    const statuses = (json.response as { status: number }[]).map((one) => one.status).sort();
    expect([status, statuses]).toEqual([200, [200, 200, 507]]);
    expect(JSON.stringify(json.response)).toContain('FANOUT_ANSWER_SIZE_MAX');
  });

  it('an answer that clients do not read leaves no room for another large one until they are gone; small ones are made', async () => {
    const { api, post, half } = await setUp();
    const sockets: Socket[] = [];
    // What the kernel takes of each connection does not count: some megabytes.
    await eventually('no room', async () => {
      sockets.push(await unread(api, half));
      return (await post('/v1/decide', half)).status === 503;
    });
    const refused = await post('/v1/decide', half);
    expect(refused).toMatchObject({
      status: 503,
      text: expect.stringContaining('FANOUT_ANSWERS_IN_FLIGHT_MAX'),
    });
    expect((await post('/v1/decide', { userId: 'u' })).status).toBe(200);
    for (const socket of sockets) socket.destroy();
    await eventually('room again', async () => (await post('/v1/decide', half)).status === 200);
  });
});
