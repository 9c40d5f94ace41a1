// The public keys by which an agent checks signatures.

import { describe, expect, it } from 'vitest';
import { checkConfig, type Environment, parseConfig } from '../../../agent/config/config.ts';
import { newKeys } from '../../support/functions/signing.ts';

const keys = newKeys();
const next = newKeys();
const RECORD = { FANOUT_BUCKET: 'bucket' };
const parse = (env: Environment) => parseConfig({ ...RECORD, ...env }, () => '').signing;
const problemsOf = (env: Environment) => checkConfig(env, () => '', null).problems.join('; ');

describe('signatures', () => {
  it('signatures are not looked at unless there are keys', () => {
    expect(parse({})).toEqual({ mode: 'off', keys: [] });
  });

  it('signatures are required as soon as there are, unless something else is said', () => {
    const both = `${keys.publicText},${next.publicText}`;
    expect(parse({ FANOUT_SIGNING_PUBLIC_KEYS: both })).toEqual({
      mode: 'required',
      keys: [keys.publicText, next.publicText],
    });
    for (const mode of ['off', 'checked', 'required'] as const)
      expect(parse({ FANOUT_SIGNING_PUBLIC_KEYS: both, FANOUT_SIGNATURES: mode }).mode).toBe(mode);
  });

  it('signatures take keys as a list in the file, also in PEM', () => {
    const contents = { fanout: { bucket: 'b', signingPublicKeys: [keys.publicText, spkiOf(next)] } };
    const file = { path: 'c.yaml', contents };
    const { signing } = parseConfig({}, () => '', file);
    expect([...signing.keys].sort()).toEqual([keys.publicText, next.publicText].sort());
  });

  it('signatures take keys by their former name too, in a variable and in the file, with a warning', () => {
    const formerly = { ...RECORD, FANOUT_SIGNING_KEYS: keys.publicText };
    const byVariable = checkConfig(formerly, () => '', null);
    expect(byVariable.config.signing).toEqual({ mode: 'required', keys: [keys.publicText] });
    expect(byVariable.warnings).toContain(
      'FANOUT_SIGNING_KEYS is now called FANOUT_SIGNING_PUBLIC_KEYS; rename it',
    );
    const contents = { fanout: { bucket: 'b', signingKeys: [keys.publicText] } };
    const byFile = checkConfig({}, () => '', { path: 'c.yaml', contents });
    expect(byFile.config.signing).toEqual({ mode: 'required', keys: [keys.publicText] });
    expect(byFile.warnings).toContain(
      'c.yaml: fanout.signingKeys is now called fanout.signingPublicKeys; rename it',
    );
    expect([...byVariable.problems, ...byFile.problems]).toEqual([]);
  });

  it('go by the present name where both are set, and warn', () => {
    const env = { FANOUT_SIGNING_KEYS: keys.publicText, FANOUT_SIGNING_PUBLIC_KEYS: next.publicText };
    const contents = {
      fanout: { bucket: 'b', signingKeys: [keys.publicText], signingPublicKeys: [next.publicText] },
    };
    const checks = [
      checkConfig({ ...RECORD, ...env }, () => '', null),
      checkConfig({}, () => '', { path: 'c.yaml', contents }),
    ];
    for (const { config, warnings } of checks) {
      expect(config.signing.keys).toEqual([next.publicText]);
      expect(warnings).toEqual([expect.stringContaining('has no effect: ')]);
    }
  });

  it.each([
    [{ ...RECORD, FANOUT_SIGNATURES: 'required' }, 'FANOUT_SIGNING_PUBLIC_KEYS is missing'],
    [{ ...RECORD, FANOUT_SIGNATURES: 'checked' }, 'nothing could be checked'],
    [{ ...RECORD, FANOUT_SIGNATURES: 'maybe' }, 'must be one of off, checked, required'],
    [{ ...RECORD, FANOUT_SIGNING_PUBLIC_KEYS: 'nonsense' }, 'is not an Ed25519 public key'],
    [
      { FANOUT_SIGNING_PUBLIC_KEYS: keys.publicText },
      'FANOUT_BUCKET is missing: what the CDN serves carries none',
    ],
  ])('signatures that could not work are a problem: %j', (env, problem) => {
    expect(problemsOf(env)).toContain(problem);
  });

  it('signatures never repeat what should not have been there', () => {
    expect(problemsOf({ ...RECORD, FANOUT_SIGNING_PUBLIC_KEYS: keys.pem })).not.toContain(
      keys.pem.split('\n')[1],
    );
  });
});

const spkiOf = ({ key }: typeof keys): string =>
  key.publicKey.key.export({ format: 'pem', type: 'spki' }).toString();
