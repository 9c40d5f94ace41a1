// Where a download of a datafile follows a redirect, and what it takes along. What it must not reach is in test/hostile.

import { describe, expect, it, onTestFinished } from 'vitest';
import { REDIRECTS_MAX } from '../../../core/http/redirect.ts';
import { getFollowing } from '../../../io/http/get-following.ts';
import { useProxies } from '../../../io/http/proxy.ts';
import { startHttp } from '../../agent/support/http.ts';
import { startProxy } from '../../support/http/proxy.ts';

const headers = { authorization: 'Bearer a', 'if-none-match': '"e"' };
const options = () => ({ headers, signal: AbortSignal.timeout(5_000) });

async function chain(locations: readonly string[]) {
  const server = await startHttp(({ url }) => {
    const location = locations[Number(url.slice(1))];
    return location === undefined
      ? { status: 200, body: `end at ${url}` }
      : { status: 302, headers: { location } };
  });
  onTestFinished(() => server.close());
  return server;
}

describe('a redirect', () => {
  it('a redirect is followed on its host with all that was sent', async () => {
    const server = await chain(['/1', '2']);
    const response = await getFollowing(`${server.url}/0`, options());
    expect(await response.text()).toBe('end at /2');
    expect(server.seen.map(({ headers: sent }) => sent.authorization)).toEqual([
      'Bearer a',
      'Bearer a',
      'Bearer a',
    ]);
  });

  it('to another host takes conditions along but no credentials, not even back', async () => {
    const first = await chain([]);
    const other = await startHttp(() => ({ status: 307, headers: { location: `${first.url}/9` } }));
    onTestFinished(() => other.close());
    const door = await startHttp(({ url }) =>
      url === '/9' ? { status: 200, body: 'back' } : { status: 301, headers: { location: other.url } },
    );
    onTestFinished(() => door.close());
    await getFollowing(`${door.url}/0`, options());
    expect(other.seen[0]?.headers).toMatchObject({ 'if-none-match': '"e"' });
    expect([other.seen[0], first.seen[0]].map((seen) => seen?.headers.authorization)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it(`a redirect is followed ${REDIRECTS_MAX} times`, async () => {
    const steps = Array.from({ length: REDIRECTS_MAX }, (_, i) => `/${i + 1}`);
    const server = await chain(steps);
    expect(await (await getFollowing(`${server.url}/0`, options())).text()).toBe(`end at /${REDIRECTS_MAX}`);
    const longer = await chain([...steps, `/${REDIRECTS_MAX + 1}`]);
    await expect(getFollowing(`${longer.url}/0`, options())).rejects.toMatchObject({
      code: 'REDIRECT_REFUSED',
    });
  });

  it.each([
    ['https://mirror.test/a', 'http://mirror.test/b', 'from https to http'],
    ['https://mirror.test/a', 'ftp://mirror.test/b', 'leads to ftp:'],
    ['https://mirror.test/a', 'https://u:hush-p@mirror.test/b', 'holds credentials'],
    ['https://mirror.test/a', 'https://', 'names no address'],
    ['https://mirror.test/a', null, 'names no address'],
  ])('from %s to %s is refused', async (url, location, why) => {
    const get: typeof fetch = async () =>
      new Response(null, { status: 302, ...(location === null ? {} : { headers: { location } }) });
    await expect(getFollowing(url, { ...options(), get })).rejects.toThrow(why);
  });

  it('a redirect that is no redirect is an answer as it is', async () => {
    const get: typeof fetch = async () => new Response(null, { status: 304 });
    expect((await getFollowing('https://mirror.test/a', { ...options(), get })).status).toBe(304);
  });

  it('a redirect of a host on the internet leads to another one there, which a proxy resolves', async () => {
    const bucket = await startHttp(() => ({ status: 200, headers: { etag: '"x"' }, body: 'the file' }));
    onTestFinished(() => bucket.close());
    const hosts = { 'bucket.test': `127.0.0.1:${bucket.port}` };
    const proxy = await startProxy({ hosts });
    const { undo } = useProxies({ HTTP_PROXY: proxy.url });
    onTestFinished(async () => {
      undo();
      await proxy.close();
    });
    const get: typeof fetch = async () =>
      new Response(null, { status: 302, headers: { location: 'http://bucket.test/f?s=1' } });
    const response = await getFollowing('http://mirror.test/a', { ...options(), get });
    expect([await response.text(), response.headers.get('etag')]).toEqual(['the file', '"x"']);
    expect(proxy.asked).toEqual(['GET http://bucket.test/f?s=1']);
    expect(bucket.seen[0]?.headers.authorization).toBeUndefined();
    // What stands in the URL is judged all the same.
    const inside: typeof fetch = async () =>
      new Response(null, { status: 302, headers: { location: 'http://10.0.0.1/' } });
    await expect(getFollowing('http://mirror.test/a', { ...options(), get: inside })).rejects.toThrow(
      '10.0.0.1',
    );
  });
});
