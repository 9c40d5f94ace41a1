// The pattern of SDK keys, which operators of the original have written in RE2's syntax.

import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../agent/config/config.ts';
import { checkKeyPattern, keyPattern } from '../../../agent/config/key-pattern.ts';

const KEY = 'Key1';

async function findingsOf(source: string | null) {
  const findings = { problems: [] as string[], warnings: [] as string[] };
  await checkKeyPattern(source, findings);
  return findings;
}

describe('a pattern of SDK keys', () => {
  // Each with what the original answers for the key: true 200, false 400.
  it.each([
    ['(?i)^key\\d$', true],
    ['(?s)^.+$', true],
    ['(?m)^\\w+$', true],
    ['(?U)^\\w+$', true],
    ['(?im)^key\\d$', true],
    ['^(?i:key)\\d$', true],
    ['(?i)^k(?-i)EY\\d$', false],
    ['^Ke(?i)Y\\d$', true],
    ['^\\pL+\\pN$', true],
    ['^\\p{Greek}+$', false],
    ['\\A\\w+\\z', true],
    ['^(?P<name>\\w+)$', true],
    ['^(?<name>\\w+)$', true],
    ['^[[:alnum:]]+$', true],
    ['^[[:^space:]]+$', true],
    ['^\\QKey1\\E$', true],
    ['^\\x{4b}ey1$', true],
    ['^[]A-Za-z0-9]+$', true],
    ['^Key{1$|^Key1$', true],
    ['^\\w{1,1000}$', true],
    ['ey1', true],
    ['^x$', false],
  ])('%s: %s', async (source, expected) => {
    expect(await keyPattern(source)(KEY)).toBe(expected);
    expect((await findingsOf(source)).problems).toEqual([]);
  });

  it.each(['(', '^(?=K)\\w+$', '^(\\w)\\1$', '^\\w{1,2000}$', '^\\w+\\Z', '^\\w++$'])(
    '%s is refused at the start, as there',
    async (source) => {
      const env = { OPTIMIZELY_CLIENT_SDKKEYREGEX: source, OPTIMIZELY_API_PORT: 'x' };
      const loading = loadConfig(env, () => '', null);
      await expect(loading).rejects.toThrow(
        'OPTIMIZELY_CLIENT_SDKKEYREGEX) is not a regular expression of RE2',
      );
      await expect(loading).rejects.toThrow('OPTIMIZELY_API_PORT');
    },
  );

  it('a pattern of SDK keys that allows what is no SDK key here is told of', async () => {
    expect((await findingsOf('^[\\w.]+$')).warnings).toEqual([
      expect.stringContaining('allows keys with a dot; SDK keys are letters, digits and _ + / = - here'),
    ]);
    expect((await findingsOf('^[a-zA-Z0-9+/=_]+(:[a-zA-Z0-9+/=_]+)?$')).warnings).toEqual([]);
    expect(await findingsOf(null)).toEqual({ problems: [], warnings: [] });
  });

  it('takes no longer for a key that was made to be hard', async () => {
    // A backtracking engine would not come back from this in a lifetime.
    expect(await keyPattern('^(\\w+)+$')(`${'a'.repeat(120)}!`)).toBe(false);
  });
});
