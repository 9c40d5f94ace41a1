import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createPoster } from '../../../agent/events/post.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';

async function setUp(listener: RequestListener) {
  let connections = 0;
  const server = createServer(listener).on('connection', () => connections++);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const clock = new ManualClock();
  const poster = createPoster(clock);
  onTestFinished(() => {
    poster.close();
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`;
  return { ...poster, url, clock, server, connections: () => connections };
}

describe('a request to the endpoint', () => {
  it('carries the events as they are', async () => {
    const seen: unknown[] = [];
    const { post, url } = await setUp(async (request, response) => {
      const chunks = await request.toArray();
      seen.push([
        request.method,
        request.url,
        request.headers['content-type'],
        Buffer.concat(chunks).toString(),
      ]);
      response.writeHead(204).end();
    });
    expect(await post(url, '{"\u00e9":1}')).toEqual({ kind: 'sent' });
    expect(seen).toEqual([['POST', '/v1/events', 'application/json', '{"\u00e9":1}']]);
  });

  it.each([
    [200, 'sent'],
    [204, 'sent'],
    [400, 'refused'],
    [413, 'refused'],
    [422, 'refused'],
    [301, 'failed'],
    [401, 'failed'],
    [403, 'failed'],
    [404, 'failed'],
    [429, 'failed'],
    [500, 'failed'],
    [503, 'failed'],
  ])('answered %i is %s', async (status, kind) => {
    const { post, url } = await setUp((_, response) => response.writeHead(status).end('something'));
    expect((await post(url, '{}')).kind).toBe(kind);
  });

  it('uses a connection again', async () => {
    const { post, url, connections } = await setUp((_, response) => response.writeHead(200).end('ok'));
    for (let i = 0; i < 5; i++) await post(url, '{}');
    expect(connections()).toBe(1);
  });

  it('a request to the endpoint is made once more when the idle connection was just being closed', async () => {
    let requests = 0;
    const { post, url } = await setUp((request, response) => {
      requests++;
      if (requests === 2) request.socket.resetAndDestroy();
      else response.end('ok');
    });
    expect((await post(url, '{}')).kind).toBe('sent');
    expect((await post(url, '{}')).kind).toBe('sent');
    expect(requests).toBe(3);
  });

  it('fails when there is no answer in time', async () => {
    let arrived = false;
    const { post, url, clock } = await setUp(() => {
      arrived = true;
    });
    const outcome = post(url, '{}');
    await eventually('it arrives', () => arrived);
    clock.advance(10_000);
    expect(await outcome).toEqual({ kind: 'failed', reason: 'no answer within 10000 ms' });
  });

  it('fails when the endpoint does not listen', async () => {
    const { post, clock } = await setUp(() => {});
    expect((await post('http://127.0.0.1:1/', '{}')).kind).toBe('failed');
    expect(clock.waitingCount).toBe(0);
  });

  it('a request to the endpoint that cannot be made is refused', async () => {
    const { post } = await setUp(() => {});
    expect((await post('ftp://events/', '{}')).kind).toBe('refused');
    expect((await post('nonsense', '{}')).kind).toBe('refused');
  });
});
