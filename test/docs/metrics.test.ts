// The page about metrics has every metric of ours, with its labels, and its queries ask for nothing else.

import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { createReceiverMetrics } from '../../functions/receiver/metrics.ts';
import { allPages } from '../../infra/docs/pages.ts';
import { startDoor } from '../agent/support/door.ts';
import { sourceText } from '../support/source-text.ts';
import { blocksIn, codeIn, readPage, rowsIn } from './markdown.ts';

const page = readPage('docs/metrics.md');
const told = new Map(
  rowsIn(page).flatMap(([names = '', labels = '']) =>
    codeIn(names)
      .filter((name) => /^fanout_(agent|receiver)_[a-z0-9_]+$/.test(name))
      .map((name) => [name, codeIn(labels)] as const),
  ),
);
const sources = sourceText('agent', 'functions');
/** Only with several workers or with traces, so not on every scrape. */
const isElsewhere = (name: string): boolean =>
  /^fanout_agent_(workers?|spans)_/.test(name) && sources.includes(`${name.replace('fanout_agent_', '')}'`);

async function scraped(): Promise<string> {
  const { admin } = await startDoor();
  const { text } = await admin({ path: '/metrics', headers: { accept: 'text/plain' } });
  return `${text}\n${await createReceiverMetrics(() => 0).text()}`;
}

it('the page about metrics has every metric, and no other', async () => {
  const there = [...(await scraped()).matchAll(/^# HELP (fanout_\w+)/gm)].map(([, name = '']) => name);
  expect(there.length).toBeGreaterThan(40);
  expect(there.filter((name) => !told.has(name))).toEqual([]);
  expect([...told.keys()].filter((name) => !there.includes(name) && !isElsewhere(name))).toEqual([]);
});

it('the page about metrics names the labels of each', async () => {
  const text = await scraped();
  for (const [name, labels] of told) {
    const [, shown = ''] = new RegExp(`^${name}(?:_bucket)?\\{([^}]*)\\}`, 'm').exec(text) ?? [];
    const found = [...shown.matchAll(/(\w+)=/g)].map(([, label = '']) => label);
    for (const label of found.filter((it) => it !== 'le')) expect(labels, name).toContain(label);
  }
});

it('the documents name metrics that are on the page, in queries and alerts too', () => {
  const text = allPages()
    .filter((path) => path !== 'CHANGELOG.md')
    .map(readPage)
    .join('\n');
  const asked = [...text.matchAll(/\bfanout_(?:agent|receiver)_[a-z0-9_]+/g)].map(([name]) =>
    name.replace(/_$/, '').replace(/_bucket$/, ''),
  );
  const isFamily = (name: string) => [...told.keys()].some((other) => other.startsWith(`${name}_`));
  expect(asked.length).toBeGreaterThan(60);
  expect(asked.filter((name) => !told.has(name) && !isFamily(name))).toEqual([]);
});

it('the alerts are rules as Prometheus reads them', () => {
  const yaml = blocksIn(page).find(({ language }) => language === 'yaml')?.text ?? '';
  const { groups } = parse(yaml) as { groups: { name: string; rules: Record<string, unknown>[] }[] };
  expect(groups).toHaveLength(1);
  for (const rule of groups[0]?.rules ?? [])
    expect(rule).toEqual({
      alert: expect.stringMatching(/^[A-Z]\w+$/),
      expr: expect.stringContaining('fanout_'),
      ...(rule.for === undefined ? {} : { for: expect.stringMatching(/^\d+m$/) }),
      annotations: { summary: expect.stringMatching(/\.$/) },
    });
});
