// Everything the functions' work is done with, in memory: topic and CDN here, record, bus and clock beside.

import { setImmediate as turn } from 'node:timers/promises';
import type { Notice } from '../../../core/bus/notice.ts';
import { FanoutError } from '../../../core/errors.ts';
import { sha256Of } from '../../../core/ids.ts';
import type { Log, LogEvent, MetricName } from '../../../core/log.ts';
import type { DatafileSource } from '../../../core/projects.ts';
import type { CdnValidators } from '../../../core/record/manifest.ts';
import type { Cdn, CdnAnswer, Deps, Topic, Via } from '../../../functions/ports.ts';
import { sdkCheck } from '../../../functions/publish/sdk-check.ts';
import { noteLine } from '../../output/notes.ts';
import { FakeBus } from '../bus/fake-bus.ts';
import { failure, START_MS } from '../datafiles.ts';
import { FakeClock } from '../fake-clock.ts';
import { FakeRecord } from './fake-record.ts';

export class FakeTopic implements Topic {
  readonly notices: Notice[] = [];
  isDown = false;

  publish = async (notice: Notice) => {
    await turn();
    if (this.isDown) throw failure('TOPIC_UNAVAILABLE');
    this.notices.push(notice);
  };

  ofKind = (kind: Notice['kind']) => this.notices.filter((notice) => notice.kind === kind);
}

export interface Served {
  readonly body: Uint8Array;
  readonly lastModifiedMs?: number;
}

/** What each address serves: a body, or an error. `onFetch` runs first: time may pass there. */
export class FakeCdn implements Cdn {
  served: Partial<Record<Via, Served | FanoutError>> = {};
  readonly asked: Via[] = [];
  fetches = 0;
  notModified = 0;
  onFetch: (via: Via) => void = () => {};

  /** The same body at every address. */
  serve(body: Uint8Array, lastModifiedMs = START_MS): void {
    this.served = { cdn: { body, lastModifiedMs }, origin: { body, lastModifiedMs } };
  }

  viasOf(source: DatafileSource): readonly Via[] {
    return source.accessToken === undefined ? ['cdn', 'origin'] : ['auth'];
  }

  async fetch(_source: DatafileSource, via: Via, validators: CdnValidators | null): Promise<CdnAnswer> {
    await turn();
    this.asked.push(via);
    this.onFetch(via);
    const served = this.served[via] ?? failure('CDN_DENIED');
    if (served instanceof FanoutError) throw served;
    const etag = `"${sha256Of(served.body).slice(0, 16)}"`;
    if (validators?.etag === etag) {
      this.notModified++;
      return { kind: 'unchanged' };
    }
    this.fetches++;
    return {
      kind: 'body',
      body: served.body,
      validators: { etag, lastModifiedMs: served.lastModifiedMs ?? null },
    };
  }
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: LogEvent;
  readonly [field: string]: unknown;
}

export interface FakeDeps extends Deps {
  readonly record: FakeRecord;
  readonly bus: FakeBus;
  readonly topic: FakeTopic;
  readonly cdn: FakeCdn;
  readonly clock: FakeClock;
  readonly lines: LogLine[];
  readonly counts: Map<MetricName, number>;
  /** Every duration that was measured, in milliseconds. */
  readonly times: Map<MetricName, number[]>;
}

/** Pauses are 0 ms: `random` says 0 unless a test hands in its own. */
export function fakeDeps(): FakeDeps {
  const lines: LogLine[] = [];
  const counts = new Map<MetricName, number>();
  const times = new Map<MetricName, number[]>();
  const line = (level: LogLine['level']) => (event: LogEvent, fields?: object) => {
    lines.push({ ...fields, level, event });
    noteLine(event, fields);
  };
  const log: Log = { info: line('info'), warn: line('warn'), error: line('error') };
  let ids = 0;
  return {
    record: new FakeRecord(),
    bus: new FakeBus(),
    topic: new FakeTopic(),
    cdn: new FakeCdn(),
    clock: new FakeClock(),
    sdkCheck,
    random: () => 0,
    newId: () => `id-${++ids}`,
    log,
    metrics: {
      count: (name, amount = 1) => void counts.set(name, (counts.get(name) ?? 0) + amount),
      timeMs: (name, elapsedMs) => void times.set(name, [...(times.get(name) ?? []), elapsedMs]),
    },
    lines,
    counts,
    times,
  };
}

/** Lets what is under way go on until `until` is true; fails when it never is. */
export async function turnsUntil(until: () => boolean, turnsMax = 2_000): Promise<void> {
  for (let i = 0; i < turnsMax; i++) {
    if (until()) return;
    await turn();
  }
  throw new Error('what the test waits for did not happen');
}
