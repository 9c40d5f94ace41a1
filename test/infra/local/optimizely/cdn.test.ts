import { describe, expect, it, onTestFinished } from 'vitest';
import { createCdnStandIn, LOCAL_ACCESS_TOKEN } from '../../../../infra/local/optimizely/cdn.ts';
import { serveHttp } from '../../../../infra/local/tools/http.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { tempDir } from '../../../support/temp-dir.ts';

async function cdn(dir?: string) {
  const clock = new ManualClock();
  const server = await serveHttp(createCdnStandIn({ clock, dir }), 0);
  onTestFinished(() => server.close());
  const path = (sdkKey: string) => `${server.url}/datafiles/${encodeURIComponent(sdkKey)}.json`;
  return {
    clock,
    url: server.url,
    put: (sdkKey: string, body: string, headers = {}) =>
      fetch(path(sdkKey), { method: 'PUT', body, headers }),
    get: (sdkKey: string, headers = {}) => fetch(path(sdkKey), { headers }),
    origin: (sdkKey: string) => fetch(`${server.url}/origin/datafiles/${sdkKey}.json`),
    knobs: (knobs: object) => fetch(`${server.url}/knobs`, { method: 'PUT', body: JSON.stringify(knobs) }),
    stats: async () => (await fetch(`${server.url}/stats`)).json(),
  };
}

describe('the CDN stand-in', () => {
  it('serves what was put, with ETag and date, and 304 while it is current', async () => {
    const { put, get } = await cdn();
    expect((await put('a+b/=', '{"revision":"1"}')).status).toBe(204);
    const first = await get('a+b/=');
    expect(await first.text()).toBe('{"revision":"1"}');
    expect(first.headers.get('last-modified')).toBe('Tue, 14 Nov 2023 22:13:20 GMT');
    const etag = first.headers.get('etag') ?? '';
    expect((await get('a+b/=', { 'if-none-match': etag })).status).toBe(304);
    await put('a+b/=', '{"revision":"2"}', { 'x-last-modified': 'Wed, 15 Nov 2023 00:00:00 GMT' });
    const second = await get('a+b/=', { 'if-none-match': etag });
    expect([second.status, second.headers.get('last-modified')]).toEqual([
      200,
      'Wed, 15 Nov 2023 00:00:00 GMT',
    ]);
  });

  it('serves the same under its origin, and under the authenticated path with the token only', async () => {
    const { url, put, origin } = await cdn();
    await put('key', 'body');
    expect(await (await origin('key')).text()).toBe('body');
    const auth = `${url}/datafiles/auth/key.json`;
    expect((await fetch(auth)).status).toBe(403);
    expect((await fetch(auth, { headers: { authorization: `Bearer ${LOCAL_ACCESS_TOKEN}` } })).status).toBe(
      200,
    );
  });

  it('keeps datafiles and their dates in its folder, if it has one', async () => {
    const dir = await tempDir();
    const first = await cdn(dir);
    await first.put('a+b/=', 'body');
    first.clock.advance(5_000);
    const second = await (await cdn(dir)).get('a+b/=');
    expect([await second.text(), second.headers.get('last-modified')]).toEqual([
      'body',
      'Tue, 14 Nov 2023 22:13:20 GMT',
    ]);
  });

  it('denies unknown keys with 403, as the real one does', async () => {
    const { get } = await cdn();
    expect((await get('unknown')).status).toBe(403);
  });

  it('counts bodies, 304s and denials apart, in total and by key, and not what tools read', async () => {
    const { url, put, get, origin, stats } = await cdn();
    await put('a', 'one');
    const etag = (await get('a')).headers.get('etag') ?? '';
    await get('a', { 'if-none-match': etag });
    await origin('a');
    await get('b');
    await fetch(`${url}/current/a.json`);
    await fetch(`${url}/events`, { method: 'POST', body: '{}' });
    expect(await stats()).toEqual({
      requests: 4,
      fetches: 2,
      notModified: 1,
      denied: 1,
      failed: 0,
      events: 1,
      byKey: {
        a: { requests: 3, fetches: 2, notModified: 1, denied: 0, failed: 0 },
        b: { requests: 1, fetches: 0, notModified: 0, denied: 1, failed: 0 },
      },
    });
    await fetch(`${url}/stats`, { method: 'DELETE' });
    expect(await stats()).toMatchObject({ requests: 0, byKey: {} });
  });

  it('the CDN stand-in can be stale for some requests while its origin is not, or until released', async () => {
    const { put, get, origin, knobs } = await cdn();
    await put('a', 'old');
    await put('a', 'new');
    const served = async () => (await get('a')).text();
    await knobs({ cdn: { stale: 2 } });
    expect([await served(), await (await origin('a')).text(), await served(), await served()]).toEqual([
      'old',
      'new',
      'old',
      'new',
    ]);
    await knobs({ cdn: { stale: true } });
    expect([await served(), await served()]).toEqual(['old', 'old']);
    await knobs({});
    expect(await served()).toBe('new');
  });

  it('the CDN stand-in can be broken and slow', async () => {
    const { clock, put, get, knobs, stats } = await cdn();
    await put('a', 'body');
    await knobs({ cdn: { status: 503 } });
    expect((await get('a')).status).toBe(503);
    expect(await stats()).toMatchObject({ failed: 1, fetches: 0 });
    await knobs({ cdn: { delayMs: 1_000 } });
    const slow = get('a');
    while (clock.waitingCount === 0) await new Promise((resolve) => setImmediate(resolve));
    clock.advance(1_000);
    expect((await slow).status).toBe(200);
  });
});
