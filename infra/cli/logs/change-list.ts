// Many changes as a list, newest first, each with a bar for how long it took until its manifest moved. Pure.

import { type Paint, table } from '../output.ts';
import type { Row } from './insights.ts';
import { barOf, duration } from './picture.ts';

export interface ListedChange {
  readonly changeId: string;
  /** ISO time at which the manifest moved. */
  readonly at: string;
  readonly sdkKey: string;
  readonly seq: number;
  readonly revision: number;
  readonly cause: string;
  /** Webhook received → manifest moved. */
  readonly latencyMs: number;
}

const BAR_COLUMNS = 20;

/** From the rows of the saved query `changes`. */
export const changesOf = (rows: readonly Row[]): ListedChange[] =>
  rows.map((row) => ({
    changeId: row.changeId ?? '',
    at: `${(row['@timestamp'] ?? '').replace(' ', 'T')}Z`,
    sdkKey: row.sdkKey ?? '',
    seq: Number(row.seq ?? 0),
    revision: Number(row.revision ?? 0),
    cause: row.cause ?? '',
    latencyMs: Number(row.latencyMs ?? 0),
  }));

export function listText(changes: readonly ListedChange[], paint: Paint): string {
  const slowestMs = Math.max(...changes.map(({ latencyMs }) => latencyMs));
  const rows = changes.map(({ changeId, at, sdkKey, seq, revision, cause, latencyMs }) => [
    at,
    String(revision),
    String(seq),
    sdkKey,
    cause,
    duration(latencyMs),
    barOf({ fromMs: 0, toMs: latencyMs }, slowestMs, BAR_COLUMNS),
    changeId,
  ]);
  const head = ['moved at', 'revision', 'seq', 'SDK key', 'cause', 'took', '', 'change'];
  const [first, ...lines] = table([head, ...rows]).split('\n');
  return [paint('bold', first ?? ''), ...lines].join('\n');
}
