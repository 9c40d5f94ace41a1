// The one list of settings: the code reads all of it, --help prints it, and the documents have it.

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { SETTINGS as AGENT_SETTINGS } from '../../../agent/config/settings.ts';
import { runOptions } from '../../../functions/receiver/options.ts';
import { FUNCTION_SETTINGS } from '../../../functions/settings/list.ts';
import { checkFunctionSettings } from '../../../functions/settings/settings.ts';
import { readPage, rowsIn } from '../../docs/markdown.ts';
import { newKeys } from '../../support/functions/signing.ts';
import { sourceText } from '../../support/source-text.ts';

/** What reads settings, without the list itself. */
const readers = sourceText('functions', 'core/settings').replace(
  readFileSync('functions/settings/list.ts', 'utf8'),
  '',
);
const { publicText } = newKeys();
const pages = ['README.md', ...readdirSync('docs').map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
/** Variables in the first cell of any table. */
const documented = new Set(
  pages
    .flatMap((page) => rowsIn(readPage(page)))
    .flatMap(([first = '']) => [...first.matchAll(/`(FANOUT_[A-Z0-9_]+)`/g)].map(([, name = '']) => name)),
);

describe('every setting', () => {
  it.each(FUNCTION_SETTINGS)('$variable is read', ({ variable }) => {
    expect(readers).toMatch(new RegExp(`'${variable}'|env\\.${variable}\\b`));
  });

  it('is in the documents, and no other is', () => {
    const known = [...FUNCTION_SETTINGS, ...AGENT_SETTINGS].map(({ variable }) => variable);
    const missing = FUNCTION_SETTINGS.filter(({ variable }) => !documented.has(variable));
    expect(missing.map(({ variable }) => variable)).toEqual([]);
    expect([...documented].filter((name) => !known.includes(name))).toEqual([]);
  });

  it('of the receiver is in its help, with its default', () => {
    const said: string[] = [];
    runOptions(['--help'], {}, { out: (text) => said.push(text), error: () => {} });
    for (const { variable, help, byDefault, only } of FUNCTION_SETTINGS)
      if (only === 'functions') expect(said.join()).not.toContain(`  ${variable}\n`);
      else expect(said.join()).toContain(`  ${variable}\n      ${help}${byDefault ? ` [${byDefault}]` : ''}`);
  });
});

describe('names', () => {
  it('that both sides have mean the same, and former ones are read by both', () => {
    const ofAgent = new Map(AGENT_SETTINGS.map((setting) => [setting.variable, setting]));
    const shared = FUNCTION_SETTINGS.filter(({ variable }) => ofAgent.has(variable));
    expect(shared.length).toBeGreaterThan(5);
    for (const { variable, formerly } of shared) expect(ofAgent.get(variable)?.formerly).toBe(formerly);
  });

  it('of earlier releases are taken with a warning', () => {
    const { settings, warnings } = checkFunctionSettings({ FANOUT_SIGNING_KEYS: publicText });
    expect(settings.functions.publicKeys.map(({ text }) => text)).toEqual([publicText]);
    expect(warnings).toEqual(['FANOUT_SIGNING_KEYS is now called FANOUT_SIGNING_PUBLIC_KEYS; rename it']);
  });
});
