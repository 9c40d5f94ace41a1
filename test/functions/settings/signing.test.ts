// What the functions are told about signatures, and what cannot work.

import { describe, expect, it } from 'vitest';
import {
  readReaderSettings,
  readSecretNames,
  readWriterSettings,
} from '../../../functions/settings/settings.ts';
import { newKeys } from '../../support/functions/signing.ts';

const keys = newKeys();
const GOOD = {
  FANOUT_BUCKET: 'b',
  FANOUT_TOPIC_ARN: 'arn',
  FANOUT_NATS_URL: 'ws://n',
  FANOUT_PROJECTS: JSON.stringify([
    { projectId: '1', secrets: ['s'], datafiles: [{ sdkKey: 'K', environment: 'e' }] },
  ]),
};
const read = (env: Record<string, string>) => {
  const all = { ...GOOD, ...env };
  return readWriterSettings(all, readSecretNames(all));
};

describe('the settings of signing', () => {
  it('the settings of signing are none unless they are set', () => {
    expect(read({})).toMatchObject({ signingKey: null, publicKeys: [] });
  });

  it('the settings of signing take the private key itself, also on one line, or the name of a secret', () => {
    const pems = [keys.pem, keys.pem.replaceAll('\n', '\\n')];
    for (const pem of pems) expect(read({ FANOUT_SIGNING_KEY: pem }).signingKey?.keyId).toBe(keys.key.keyId);
    expect(readSecretNames({ ...GOOD, FANOUT_SIGNING_SECRET: 'ssm:/signing' }).signing).toEqual({
      store: 'ssm',
      name: '/signing',
    });
  });

  it('the settings of signing of a bridge, or a further region, are public keys alone', () => {
    const env = { FANOUT_SIGNING_PUBLIC_KEYS: keys.publicText };
    expect(readReaderSettings({ ...GOOD, ...env }).publicKeys[0]?.keyId).toBe(keys.key.keyId);
    expect(read({ ...env, FANOUT_ROLE: 'bus-only' }).signingKey).toBeNull();
  });

  it.each([
    [{ FANOUT_SIGNING_PUBLIC_KEYS: keys.publicText }, 'what is written would not be signed'],
    [{ FANOUT_SIGNING_KEY: keys.pem, FANOUT_SIGNING_SECRET: 'name' }, 'only one of'],
    [{ FANOUT_SIGNING_KEY: 'secret-text' }, 'FANOUT_SIGNING_KEY: The signing key is not'],
    [
      { FANOUT_SIGNING_KEY: keys.pem, FANOUT_SIGNING_PUBLIC_KEYS: 'x' },
      'FANOUT_SIGNING_PUBLIC_KEYS: A signing key',
    ],
  ])('the settings of signing that could not work are a problem', (env, problem) => {
    expect(() => read(env)).toThrow(problem);
    expect(() => read(env)).not.toThrow('secret-text');
  });
});
