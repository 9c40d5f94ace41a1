// The logs of `npm run up`, asked as CloudWatch is by the saved queries: the same rows, from files in a folder. Knows three
// of the queries, which are all that `fanout logs` asks.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueryName } from '../../insights/queries.ts';
import type { Row, Window } from './insights.ts';

type Values = Readonly<Record<string, string | number>>;

/** Events that tell which change brought a revision, as in the saved query `changesOfRevision`. */
const OF_REVISION = ['webhook.received', 'manifest.moved'];
const CHANGES_MAX = 100;

/** Asks the files anew each time: they grow. Rejects when the folder cannot be read. */
export async function askLocalLogs(
  dir: string,
  window: Window,
  name: QueryName,
  values: Values = {},
): Promise<Row[]> {
  const rows = (await readRows(dir)).filter(({ atMs }) => atMs >= window.fromMs && atMs <= window.toMs);
  const newestFirst = rows.toSorted((a, b) => b.atMs - a.atMs).map(({ row }) => row);
  if (name === 'oneChange')
    return newestFirst.filter(({ changeId }) => changeId === values.changeId).reverse();
  if (name === 'changes')
    return newestFirst.filter(({ event }) => event === 'manifest.moved').slice(0, CHANGES_MAX);
  if (name !== 'changesOfRevision') throw new Error(`the local logs do not know the query ${name}`);
  const ofRevision = newestFirst.filter(
    ({ event, revision }) => OF_REVISION.includes(event ?? '') && revision === String(values.revision),
  );
  return [...new Map(ofRevision.map((row) => [row.changeId, row])).values()].slice(0, CHANGES_MAX);
}

interface TimedRow {
  readonly row: Row;
  readonly atMs: number;
}

async function readRows(dir: string): Promise<TimedRow[]> {
  const names = (await readdir(dir)).filter((name) => name.endsWith('.log'));
  const texts = await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')));
  return texts.flatMap((text) => text.split('\n').flatMap((line) => rowOf(line) ?? []));
}

/** Null for what is no line about an event: a server's own words, a line that is half written. */
function rowOf(line: string): TimedRow | null {
  if (!line.startsWith('{')) return null;
  const fields = parse(line);
  const atMs = Date.parse(String(fields?.time));
  if (fields === null || Number.isNaN(atMs) || typeof fields.event !== 'string') return null;
  const told = Object.entries(fields).filter(([, value]) => value !== null && typeof value !== 'object');
  // As CloudWatch writes times.
  const timestamp = new Date(atMs).toISOString().replace('T', ' ').replace('Z', '');
  return {
    atMs,
    row: {
      ...Object.fromEntries(told.map(([name, value]) => [name, String(value)])),
      '@timestamp': timestamp,
    },
  };
}

function parse(line: string): Record<string, unknown> | null {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}
