// A refused access token makes the project table be read again. Nothing else does, and no request waits for it.

import { beforeEach, expect, it } from 'vitest';
import { withFreshTokens } from '../../../functions/cdn/fresh-tokens.ts';
import { failure, KEY } from '../../support/datafiles.ts';
import { FakeCdn } from '../../support/functions/fakes.ts';

let cdn: FakeCdn;
let refreshes: number;
const fetchWith = (accessToken?: string) => {
  const never = () => {
    refreshes++;
    return new Promise<never>(() => {});
  };
  const source = { sdkKey: KEY, environment: 'e', ...(accessToken !== undefined && { accessToken }) };
  const via = accessToken === undefined ? 'cdn' : 'auth';
  return withFreshTokens(cdn, { refresh: never }).fetch(source, via, null, 1_000);
};
beforeEach(() => {
  cdn = new FakeCdn();
  refreshes = 0;
});

it('a refused token is looked up again, and the attempt fails at once', async () => {
  cdn.served = { auth: failure('CDN_DENIED') };
  await expect(fetchWith('old')).rejects.toMatchObject({ code: 'CDN_DENIED' });
  expect(refreshes).toBe(1);
});

it.each([
  ['a key without a token that is refused', 'CDN_DENIED', undefined],
  ['a CDN that fails', 'CDN_FAILED', 'token'],
] as const)('%s says nothing about tokens', async (_, code, token) => {
  cdn.served = { cdn: failure(code), auth: failure(code) };
  await expect(fetchWith(token)).rejects.toMatchObject({ code });
  expect(refreshes).toBe(0);
});
