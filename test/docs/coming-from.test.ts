// The page for operators of Optimizely's Agent names only what there is: settings, routes and metrics.

import { expect, it } from 'vitest';
import { SETTINGS } from '../../agent/config/settings.ts';
import { startDoor } from '../agent/support/door.ts';
import { codeIn, readPage, rowsIn } from './markdown.ts';
import { routeFinder } from './routes.ts';

const page = readPage('docs/coming-from-optimizely-agent.md');
const code = codeIn(page);

/** Files of the image, and what stands for all routes below it. */
const NO_ROUTES = ['/config.yaml', '/var/cache/datafile-fanout', '/v1'];
/** Paths that the page says are not there. */
const MISSING = ['/debug/pprof', '/%68ealth'];

it('has a reason and a remedy in every row', () => {
  const rows = rowsIn(page);
  expect(rows.length).toBeGreaterThan(80);
  expect(rows.filter((row) => row.length !== 3 || row.includes(''))).toEqual([]);
  const differences = rows.map(([difference]) => difference).filter((it) => it !== 'difference');
  expect(new Set(differences).size).toBe(differences.length);
});

it('names settings that there are', () => {
  const variables = [...page.matchAll(/\b(?:OPTIMIZELY|FANOUT|AGENT)_[A-Z0-9_]+/g)].map(([name]) => name);
  const known = new Set(SETTINGS.map(({ variable }) => variable));
  expect(variables.length).toBeGreaterThan(20);
  // `OPTIMIZELY_*` stands for all of them.
  expect(variables.filter((name) => name !== 'OPTIMIZELY_' && !known.has(name))).toEqual([]);

  const firsts = new Set(SETTINGS.map(({ path }) => path.split('.')[0]));
  const paths = code.filter(
    (it) => /^\w+(?:\.\w+)*(?:\.\*)?$/.test(it) && it.includes('.') && !/\.(?:yaml|mjs)$/.test(it),
  );
  const settings = paths.filter((path) => firsts.has(path.split('.')[0]));
  expect(settings.length).toBeGreaterThan(2);
  const isKnown = (path: string) =>
    SETTINGS.some((it) => `${it.path}.`.startsWith(`${path.replace(/\.\*$/, '')}.`));
  expect(settings.filter((path) => !isKnown(path))).toEqual([]);
});

it('names routes that there are, and misses those that there are not', async () => {
  const isThere = await routeFinder();
  const named = code.filter((it) => /^\/[\w%/.<>-]*$/.test(it) && !NO_ROUTES.includes(it));
  const routes = [...new Set(named)];
  expect(routes.length).toBeGreaterThan(12);
  expect(routes).toEqual(expect.arrayContaining(MISSING));
  const there = await Promise.all(routes.map(isThere));
  expect(routes.filter((_route, i) => !there[i])).toEqual(routes.filter((it) => MISSING.includes(it)));
});

it('names metrics that there are', async () => {
  const { admin } = await startDoor();
  const { text } = await admin({ path: '/metrics', headers: { accept: 'text/plain' } });
  const metrics = code.filter((it) =>
    /^(?:fanout_agent|nodejs|process|counter|timer|gauge)_[a-z_]*\*?$/.test(it),
  );
  expect(metrics.length).toBeGreaterThan(6);
  const isKnown = (name: string) =>
    new RegExp(`^${name.endsWith('*') ? name.slice(0, -1) : `${name}[ {]`}`, 'm').test(text);
  expect(metrics.filter((name) => !isKnown(name))).toEqual([]);
});
