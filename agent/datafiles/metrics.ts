// What a scrape shows of the datafiles that serve, of those that are refused, and of the bus that brings them. Collected when
// somebody scrapes; knows nothing of how datafiles come.

import { Counter, Gauge, type Registry } from 'prom-client';
import type { SdkKey } from '../../core/ids.ts';

/** A datafile's state at the time of a scrape. */
export interface DatafileSample {
  readonly sdkKey: SdkKey;
  readonly seq: number;
  readonly revision: number;
  /** Seconds since it was last seen to be current; null when it never was. */
  readonly verifiedAgeS: number | null;
  /** Parts of it that are not served. */
  readonly leftOut: number;
  /** It is an earlier version than the record's head, which cannot be used. */
  readonly isLastGood: boolean;
}

/** Versions of the record that this agent refuses. */
export interface Refusals {
  /** Since the start. */
  readonly count: number;
  /** Refused now, by key. */
  all(): ReadonlyMap<SdkKey, unknown>;
}

export interface DatafileSources {
  readonly datafiles: () => readonly DatafileSample[];
  readonly busAvailable: () => boolean;
  readonly refusals?: () => Refusals;
  /** Configured keys that do not exist, by key. */
  readonly unknownKeys?: () => ReadonlyMap<SdkKey, unknown>;
}

export function registerDatafileMetrics(registers: Registry[], sources: DatafileSources): void {
  const { datafiles, busAvailable, refusals, unknownKeys } = sources;
  const perKey = (name: string, help: string, value: (sample: DatafileSample) => number | null) =>
    new Gauge({
      name: `fanout_agent_datafile_${name}`,
      help,
      labelNames: ['sdk_key'],
      registers,
      collect() {
        this.reset();
        for (const sample of datafiles()) {
          const current = value(sample);
          if (current !== null) this.set({ sdk_key: sample.sdkKey }, current);
        }
      },
    });
  perKey('seq', 'Position in the record of the datafile that serves; 0: not from the record', (it) => it.seq);
  perKey('revision', 'Revision of the datafile that serves', ({ revision }) => revision);
  perKey('verified_age_seconds', 'Since the datafile was last seen to be current', (it) => it.verifiedAgeS);
  perKey(
    'left_out',
    'Parts of the datafile that are not understood, while the rest serves',
    (it) => it.leftOut,
  );
  perKey(
    'last_good',
    "1 while an earlier version than the record's head serves, which is refused or whose body is not there",
    ({ isLastGood }) => (isLastGood ? 1 : 0),
  );
  new Gauge({
    name: 'fanout_agent_bus_available',
    help: '1 while the bus can be trusted',
    registers,
    collect() {
      this.set(busAvailable() ? 1 : 0);
    },
  });
  const oneOf = (name: string, help: string, all: () => ReadonlyMap<SdkKey, unknown>) =>
    new Gauge({
      name: `fanout_agent_${name}`,
      help,
      labelNames: ['sdk_key'],
      registers,
      collect() {
        this.reset();
        for (const { sdkKey } of datafiles()) this.set({ sdk_key: sdkKey }, 0);
        for (const sdkKey of all().keys()) this.set({ sdk_key: sdkKey }, 1);
      },
    });
  if (unknownKeys !== undefined)
    oneOf(
      'key_unknown',
      '1 while Optimizely denies a configured key and the record does not have it either',
      unknownKeys,
    );
  if (refusals === undefined) return;
  oneOf(
    'quarantined',
    '1 while this agent refuses what the record has, and serves the last good datafile',
    () => refusals().all(),
  );
  new Counter({
    name: 'fanout_agent_quarantines_total',
    help: 'Versions of the record that this agent refused',
    registers,
    collect() {
      this.reset();
      this.inc(refusals().count);
    },
  });
}
