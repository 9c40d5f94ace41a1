// What a scrape shows of datafiles: what sources offer and what becomes of it, what serves, what is refused, and the bus.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { SdkKey } from '../../core/ids.ts';
import type { OfferOutcome, SourceName } from './sources/source.ts';

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

/** What is read when the agent is scraped. */
export interface Scraped {
  readonly status: { samples(): readonly DatafileSample[] };
  readonly busAvailable: boolean;
  /** Versions of the record that this agent refuses: how many since the start, and which now. */
  readonly quarantine: { readonly count: number; all(): ReadonlyMap<SdkKey, unknown> };
  /** Configured keys that do not exist. */
  readonly unknown: { all(): ReadonlyMap<SdkKey, unknown> };
}

const PROPAGATION_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 300] as const;
const SWAP_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1] as const;

/** Told while datafiles come in. */
export class DatafileMetrics {
  readonly #registers: Registry[];
  readonly #offers: Counter<'source' | 'result' | 'reason'>;
  readonly #sourceFailures: Counter<'source'>;
  readonly #reconnects: Counter;
  readonly #propagation: Histogram;
  readonly #swap: Histogram;
  readonly #looks: Counter<'result'>;
  readonly #cacheFailures: Counter;

  constructor(registry: Registry) {
    this.#registers = [registry];
    this.#offers = this.#counter('offers_total', 'Datafiles that sources offered, by what became of them', [
      'source',
      'result',
      'reason',
    ]);
    this.#sourceFailures = this.#counter('source_failures_total', 'Looks of a source that failed', [
      'source',
    ]);
    this.#reconnects = this.#counter('bus_reconnects_total', 'Times that the link to the bus came up');
    this.#propagation = this.#histogram(
      'propagation_seconds',
      'From the webhook received to the new datafile serving (the clocks of both machines count)',
      PROPAGATION_BUCKETS_S,
    );
    this.#swap = this.#histogram(
      'swap_seconds',
      'From a candidate offered to its datafile serving',
      SWAP_BUCKETS_S,
    );
    this.#looks = this.#counter('s3_polls_total', 'Reads of a manifest, by result', ['result']);
    this.#cacheFailures = this.#counter(
      'cache_failures_total',
      'Reads and writes of the disk cache that failed',
    );
  }

  offered(source: SourceName, outcome: OfferOutcome): void {
    const reason =
      outcome.kind === 'ignored' ? outcome.reason : outcome.kind === 'rejected' ? outcome.code : '';
    this.#offers.inc({ source, result: outcome.kind, reason });
  }

  /** @param isLive false for a datafile that was found at start, which says nothing about how long changes travel */
  accepted(propagationMs: number, swapMs: number, isLive: boolean): void {
    if (isLive) this.#propagation.observe(Math.max(propagationMs, 0) / 1000);
    this.#swap.observe(swapMs / 1000);
  }

  sourceFailed(source: SourceName): void {
    this.#sourceFailures.inc({ source });
    if (source === 'disk') this.#cacheFailures.inc();
  }

  busConnected(): void {
    this.#reconnects.inc();
  }

  recordLooked(result: string): void {
    this.#looks.inc({ result });
  }

  /** Shows what is read when the agent is scraped. To be called once. */
  show(scraped: Scraped): void {
    this.#showDatafiles(scraped);
    const registers = this.#registers;
    new Gauge({
      name: 'fanout_agent_bus_available',
      help: '1 while the bus can be trusted',
      registers,
      collect() {
        this.set(scraped.busAvailable ? 1 : 0);
      },
    });
    this.#showKeys(
      scraped,
      'key_unknown',
      '1 while Optimizely denies a configured key and the record does not have it either',
      scraped.unknown,
    );
    this.#showKeys(
      scraped,
      'quarantined',
      '1 while this agent refuses what the record has, and serves the last good datafile',
      scraped.quarantine,
    );
    new Counter({
      name: 'fanout_agent_quarantines_total',
      help: 'Versions of the record that this agent refused',
      registers,
      collect() {
        this.reset();
        this.inc(scraped.quarantine.count);
      },
    });
  }

  #showDatafiles({ status }: Scraped): void {
    const registers = this.#registers;
    const perKey = (name: string, help: string, value: (sample: DatafileSample) => number | null) =>
      new Gauge({
        name: `fanout_agent_datafile_${name}`,
        help,
        labelNames: ['sdk_key'],
        registers,
        collect() {
          this.reset();
          for (const sample of status.samples()) {
            const current = value(sample);
            if (current !== null) this.set({ sdk_key: sample.sdkKey }, current);
          }
        },
      });
    perKey(
      'seq',
      'Position in the record of the datafile that serves; 0: not from the record',
      (it) => it.seq,
    );
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
  }

  /** A gauge that is 1 for some keys, and 0 for every other one that serves. */
  #showKeys({ status }: Scraped, name: string, help: string, some: Scraped['unknown']): void {
    new Gauge({
      name: `fanout_agent_${name}`,
      help,
      labelNames: ['sdk_key'],
      registers: this.#registers,
      collect() {
        this.reset();
        for (const { sdkKey } of status.samples()) this.set({ sdk_key: sdkKey }, 0);
        for (const sdkKey of some.all().keys()) this.set({ sdk_key: sdkKey }, 1);
      },
    });
  }

  #counter<L extends string>(name: string, help: string, labelNames: L[] = []): Counter<L> {
    return new Counter({ name: `fanout_agent_${name}`, help, labelNames, registers: this.#registers });
  }

  #histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return new Histogram({
      name: `fanout_agent_${name}`,
      help,
      buckets: [...buckets],
      registers: this.#registers,
    });
  }
}
