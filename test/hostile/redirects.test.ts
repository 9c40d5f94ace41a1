// Where a redirect of a datafile's address must not lead: what only this machine, or its network, can reach.

import { describe, expect, it } from 'vitest';
import { getFollowing } from '../../io/http/get-following.ts';

describe('a redirect', () => {
  it.each([
    'http://127.0.0.1/latest',
    'http://169.254.169.254/latest/meta-data/',
    'http://[::1]/',
    'http://[::ffff:10.0.0.1]/',
    'http://0x7f.1/',
    'http://inside.test/',
  ])('a redirect of a host on the internet does not lead to %s', async (location) => {
    const asked: string[] = [];
    const get: typeof fetch = async (url) => {
      asked.push(String(url));
      return new Response(null, { status: 302, headers: { location } });
    };
    const resolve = async (hostname: string) =>
      hostname === 'inside.test' ? ['93.184.216.34', '10.0.0.1'] : ['93.184.216.34'];
    const signal = AbortSignal.timeout(2_000);
    await expect(
      getFollowing('http://mirror.test/k.json', { headers: {}, signal, get, resolve }),
    ).rejects.toMatchObject({ code: 'REDIRECT_REFUSED' });
    expect(asked).toEqual(['http://mirror.test/k.json']);
  });
});
