// The one list of settings: the code reads all of it, and --help prints it. That the documents have it: test/docs/generated.test.ts.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SETTINGS as AGENT_SETTINGS } from '../../../agent/config/settings.ts';
import { runOptions } from '../../../functions/receiver/options.ts';
import { FUNCTION_SETTINGS } from '../../../functions/settings/list.ts';
import { checkFunctionSettings } from '../../../functions/settings/settings.ts';
import { newKeys } from '../../support/functions/signing.ts';
import { sourceText } from '../../support/source-text.ts';

/** What reads settings, without the list itself. */
const readers = sourceText('functions', 'core/settings').replace(
  readFileSync('functions/settings/list.ts', 'utf8'),
  '',
);
const { publicText } = newKeys();

describe('every setting', () => {
  it.each(FUNCTION_SETTINGS)('$variable is read', ({ variable }) => {
    expect(readers).toMatch(new RegExp(`'${variable}'|env\\.${variable}\\b`));
  });

  it('every setting of the receiver is in its help, with its default', () => {
    const said: string[] = [];
    runOptions(['--help'], {}, { out: (text) => said.push(text), error: () => {} });
    for (const { variable, help, byDefault, only } of FUNCTION_SETTINGS)
      if (only === 'functions') expect(said.join()).not.toContain(`  ${variable}\n`);
      else expect(said.join()).toContain(`  ${variable}\n      ${help}${byDefault ? ` [${byDefault}]` : ''}`);
  });
});

describe('names', () => {
  it('names that both sides have mean the same, and former ones are read by both', () => {
    const ofAgent = new Map(AGENT_SETTINGS.map((setting) => [setting.variable, setting]));
    const shared = FUNCTION_SETTINGS.filter(({ variable }) => ofAgent.has(variable));
    expect(shared.length).toBeGreaterThan(5);
    for (const { variable, formerly } of shared) expect(ofAgent.get(variable)?.formerly).toBe(formerly);
  });

  it('names of earlier releases are taken with a warning', () => {
    const { settings, warnings } = checkFunctionSettings({ FANOUT_SIGNING_KEYS: publicText });
    expect(settings.functions.publicKeys.map(({ text }) => text)).toEqual([publicText]);
    expect(warnings).toEqual(['FANOUT_SIGNING_KEYS is now called FANOUT_SIGNING_PUBLIC_KEYS; rename it']);
  });
});
