// The command blocks of the pages about OFREP and browsers, run in their order by a shell against an agent. The block after each
// shows what it prints: JSON is compared as such, text line by line, `…` standing for anything.

import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { SETTINGS } from '../../agent/config/settings.ts';
import { CORS_BY_DEFAULT, CORS_ROUTES } from '../../agent/http/door/cors-routes.ts';
import { startAgent } from '../agent/support/agent.ts';
import { KEY, MemoryRecord } from '../agent/support/fakes.ts';
import { projectBody } from '../agent/support/project.ts';
import { eventually } from '../support/eventually.ts';
import { audience, flag, rule, variation } from '../support/project-builder.ts';
import { blocksIn, codeIn, readPage, rowsIn } from './markdown.ts';

const run = promisify(execFile);

const valuesOf = (title: string, columns: string) => [
  { id: '71', value: title },
  { id: '72', value: columns },
];
/** `checkout` and `banner` as the pages have them; the notes make it long enough to be compressed. */
const PROJECT = {
  attributes: [{ id: '8', key: 'plan' }],
  typedAudiences: [audience('9', { name: 'plan', value: 'pro' })],
  experiments: [rule('21', 'banner_test', [variation('31', 'blue')])],
  rollouts: [
    {
      id: 'r1',
      experiments: [
        rule('22', 'pro_plans', [variation('32', 'wide', true, valuesOf('Pay now', '3'))], {
          audienceIds: ['9'],
        }),
        rule('default-checkout', 'default-checkout', [variation('33', 'off', false)]),
      ],
    },
  ],
  featureFlags: [
    flag('1', 'checkout', [], 'r1', [
      { id: '71', key: 'title', type: 'string', defaultValue: 'Pay' },
      { id: '72', key: 'columns', type: 'integer', defaultValue: '1' },
    ]),
    flag('2', 'banner', ['21']),
  ],
  notes: 'long '.repeat(400),
};
const REVISION = 54;

const PAGES = ['docs/ofrep.md', 'docs/browsers.md'];

/** What the commands are run with, and not every machine has. */
const TOOLS = ['bash', 'curl'];
const missing = TOOLS.filter((tool) => spawnSync(tool, ['--version']).status !== 0);

it.for(PAGES)('%s: every command prints what the page says', async (path, { skip }) => {
  skip(missing.length > 0, `not on this machine: ${missing.join(', ')}`);
  const record = new MemoryRecord();
  record.publish(KEY, projectBody(PROJECT, REVISION));
  const { agent, api } = await startAgent({ record });
  await eventually('the datafile', () => agent.status.ready());
  const blocks = blocksIn(readPage(path));
  const commands = blocks.filter(({ language }) => language === 'sh');
  expect(commands.length).toBeGreaterThan(1);
  let before = 'set -euo pipefail\n';
  for (const [i, { language, text }] of blocks.entries()) {
    if (language !== 'sh') continue;
    const script = text.replace('http://localhost:8080', api).replace('YOUR_SDK_KEY', KEY);
    const { stdout } = await run('bash', ['-c', `${before}${script}`]);
    const shown = blocks[i + 1];
    if (shown?.language === 'json') expect(JSON.parse(stdout)).toEqual(JSON.parse(shown.text));
    else if (shown?.language === 'text') expect(linesOf(stdout, shown.text)).toEqual(linesOf(shown.text));
    else expect(stdout).toBe('');
    before += script.startsWith('export ') ? `${script.split('\n', 1)[0]}\n` : '';
  }
});

it('docs/browsers.md names the headers that pages may send and read', () => {
  const rows = rowsIn(readPage('docs/browsers.md'));
  const lower = (names: readonly string[]) => names.map((name) => name.toLowerCase()).sort();
  for (const { path, allowedHeaders, exposedHeaders } of CORS_ROUTES) {
    const [, sent = '', read = ''] = rows.find(([first]) => first === `\`${path}\``) ?? [];
    expect(lower([...codeIn(sent), ...CORS_BY_DEFAULT.allowedHeaders])).toEqual(lower(allowedHeaders));
    expect(lower(codeIn(read))).toEqual(lower(exposedHeaders));
  }
});

it.each(PAGES)('%s names settings that there are', (path) => {
  const named = [...readPage(path).matchAll(/\b(?:OPTIMIZELY|FANOUT)_[A-Z_]+/g)].map(([name]) => name);
  expect(named.length).toBeGreaterThan(0);
  const known = SETTINGS.map(({ variable }) => variable);
  // One that ends so stands for all that begin so.
  const isKnown = (name: string) =>
    known.some((it) => (name.endsWith('_') ? it.startsWith(name) : it === name));
  expect(named.filter((name) => !isKnown(name))).toEqual([]);
});

/** Header fields come in any order. @param pattern lines with `…`; what it stands for is not compared */
function linesOf(output: string, pattern = ''): string[] {
  const wild = pattern.split('\n').filter((line) => line.includes('…'));
  const isLike = (line: string, other: string): boolean => {
    const [start = '', end = ''] = other.split('…');
    return line.startsWith(start) && line.endsWith(end);
  };
  return output
    .trim()
    .split(/\r?\n/)
    .map((line) => wild.find((other) => isLike(line, other)) ?? line)
    .sort();
}
