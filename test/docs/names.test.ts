// What the documents call by its name exists: settings, values of the chart, log events, error codes, routes. The changelog is history, and may name
// what is gone.

import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { SETTINGS } from '../../agent/config/settings.ts';
import { allPages, readPage } from '../../infra/docs/pages.ts';
import { loggedEvents, sourceText } from '../support/source-text.ts';
import { codeIn } from './markdown.ts';
import { routeFinder } from './routes.ts';

const PAGES = allPages().filter((path) => path !== 'CHANGELOG.md');
const sources = sourceText('core', 'io', 'functions', 'agent', 'infra');
const templates = [
  'serverless.yml',
  'infra/nats/users.conf',
  'infra/nats/common.conf',
  'infra/nats/cluster.conf',
  'infra/nats/supercluster.conf',
]
  .map(readPage)
  .join('\n');
const settings = SETTINGS.map(({ variable }) => variable);

const FAMILIES = /^(?:OPTIMIZELY|FANOUT|AGENT|NATS)_[A-Z0-9_]*$/;
/** One that ends in an underscore stands for all that begin so. */
const isSetting = (name: string): boolean =>
  settings.some((it) => (name.endsWith('_') ? it.startsWith(name) : it === name)) ||
  new RegExp(`\\b${name}${name.endsWith('_') ? '' : '\\b'}`).test(sources + templates);

it.each(PAGES)('%s names settings that there are', (path) => {
  const named = [...readPage(path).matchAll(/\b[A-Z]+_[A-Z0-9_]*/g)]
    .map(([name]) => name)
    .filter((name) => FAMILIES.test(name));
  expect([...new Set(named)].filter((name) => !isSetting(name))).toEqual([]);
});

const chart = parse(readPage('infra/helm/datafile-fanout/values.yaml')) as Record<string, unknown>;
const CHART_VALUE =
  /^(?:agent|receiver|bus|record|signing|networkPolicy)\.[a-z][A-Za-z]+(?:\.[a-z][A-Za-z]+)*$/;
const isChartValue = (path: string): boolean =>
  path.split('.').reduce<unknown>((value, name) => (value as Record<string, unknown>)?.[name], chart) !==
  undefined;

const events = loggedEvents(sources);
const EVENT = /^[a-z]+\.[a-z]+(?:-[a-z]+)*$/;
/** The words that events begin with; other code in this form are files, hosts and settings. */
const subjects = new Set([...events].map((event) => event.split('.')[0]));
const isFileOrSetting = (code: string): boolean =>
  /\.(?:ts|md|json|yml|yaml|conf|crt|env|mjs|org|dev|variable|title|columns)$/.test(code) ||
  SETTINGS.some(({ path }) => path.toLowerCase() === code || path.startsWith(`${code}.`));

it.each(PAGES)('%s names log events and error codes that there are', (path) => {
  const codes = codeIn(readPage(path));
  const named = codes.filter(
    (it) => EVENT.test(it) && !isFileOrSetting(it) && subjects.has(it.split('.')[0]),
  );
  expect(named.filter((it) => !events.has(it) && !isChartValue(it))).toEqual([]);
  const errors = codes.filter((it) => /^[A-Z]+(?:_[A-Z]+)+$/.test(it) && !isSetting(it));
  expect(
    errors.filter((it) => !sources.includes(`'${it}'`) && !/^[A-Z]+_PROXY$|^(SSL|NODE|AWS|OTEL)_/.test(it)),
  ).toEqual([]);
});

it('the pages about deployment name values that the chart has', () => {
  const pages = ['docs/deploy-aws.md', 'docs/deploy-kubernetes.md', 'infra/kubernetes/WALKTHROUGH.md'];
  const named = pages.flatMap((path) => codeIn(readPage(path))).filter((it) => CHART_VALUE.test(it));
  expect(named.length).toBeGreaterThan(12);
  expect(named.filter((it) => !isChartValue(it))).toEqual([]);
});

it('the page about the agent names routes that there are', async () => {
  const isThere = await routeFinder();
  const routes = codeIn(readPage('docs/agent.md')).filter((it) => /^\/[\w%/.<>-]*$/.test(it));
  expect(routes.length).toBeGreaterThan(25);
  const there = await Promise.all(routes.map(isThere));
  expect(routes.filter((_route, i) => !there[i])).toEqual([]);
});
