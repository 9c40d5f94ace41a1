// Settings that come from variables alone: defaults, former and mistyped names, and a list that readers cannot leave.

import { describe, expect, it } from 'vitest';
import type { Setting } from '../../../core/settings/setting.ts';
import { settingHelp } from '../../../core/settings/setting.ts';
import { readVariables } from '../../../core/settings/variables.ts';

const SETTINGS: readonly Setting[] = [
  { variable: 'FANOUT_PORT', kind: 'text', byDefault: '8090', help: 'Port to listen on' },
  { variable: 'FANOUT_KEYS', kind: 'text', byDefault: undefined, help: 'Keys', formerly: 'FANOUT_OLD_KEYS' },
];

function read(env: Record<string, string | undefined>) {
  const findings = { problems: [], warnings: [] };
  return { findings, at: readVariables(SETTINGS, env, findings) };
}

describe('a variable', () => {
  it('a variable has its default when it is absent or blank', () => {
    for (const env of [{}, { FANOUT_PORT: ' ' }]) {
      const { at, findings } = read(env);
      expect(at('FANOUT_PORT').integer(0, 65_535)).toBe(8090);
      expect(at('FANOUT_KEYS').text()).toBeNull();
      expect(findings).toEqual({ problems: [], warnings: [] });
    }
  });

  it('a variable that is required and missing is a problem by its name', () => {
    const { at, findings } = read({});
    expect(at('FANOUT_KEYS').required()).toBe('');
    expect(findings.problems).toEqual(['FANOUT_KEYS is missing']);
  });

  it('a variable is read by its former name with a warning, and called by the name that was set', () => {
    const { at, findings } = read({ FANOUT_OLD_KEYS: 'x' });
    expect(at('FANOUT_KEYS').integer(0, 9)).toBe(0);
    expect(findings.warnings).toEqual(['FANOUT_OLD_KEYS is now called FANOUT_KEYS; rename it']);
    expect(findings.problems).toEqual(['FANOUT_OLD_KEYS is "x" but must be a whole number from 0 to 9']);
  });

  it('wins over its former name', () => {
    const { at, findings } = read({ FANOUT_OLD_KEYS: 'x', FANOUT_KEYS: 'y' });
    expect(at('FANOUT_KEYS').text()).toBe('y');
    expect(findings.warnings).toEqual(['FANOUT_OLD_KEYS has no effect: FANOUT_KEYS is set too']);
  });

  it('a variable that was probably mistyped is a warning; those of other programs are none', () => {
    const { findings } = read({ FANOUT_PROT: '1', FANOUT_CACHE_DIR: '/c', PROT: '1' });
    expect(findings.warnings).toEqual(['FANOUT_PROT is not a setting; did you mean FANOUT_PORT?']);
  });

  it('outside of the list cannot be read', () => {
    expect(() => read({}).at('FANOUT_OTHER')).toThrow('FANOUT_OTHER is not in the list of settings');
  });
});

it('help names the setting with its default', () => {
  expect(settingHelp(['FANOUT_PORT'], SETTINGS[0] as Setting)).toBe(
    '  FANOUT_PORT\n      Port to listen on [8090]',
  );
});
