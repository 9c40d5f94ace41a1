// What the agent says of itself: readiness and health, derived from the store. Knows neither HTTP nor Prometheus.

import type { SdkKey } from '../core/ids.ts';
import type { BusHealth, BusReason } from './bus-health.ts';
import type { Keys } from './keys.ts';
import type { DatafileSample } from './metrics.ts';
import type { Quarantined } from './quarantine.ts';
import type { SignatureReport } from './signatures.ts';
import type { SourceName } from './sources/source.ts';
import type { AnyStore } from './store.ts';
import type { WorkersReport } from './workers/report.ts';

export interface DatafileStatus {
  readonly sdkKey: string;
  readonly configured: boolean;
  /** The record's version that this agent refuses; absent while it refuses none. */
  readonly quarantined?: {
    readonly seq: number;
    readonly revision: number;
    readonly code: string;
    /** ISO time. */
    readonly since: string;
  };
  /** Null while it has no datafile. */
  readonly datafile: {
    readonly lineage: string;
    /** 0: straight from the CDN, not from the record. */
    readonly seq: number;
    readonly revision: number;
    readonly sha256: string;
    readonly source: SourceName;
    readonly changeId: string;
    /** Since it began to serve here. */
    readonly ageMs: number;
    /** ISO time at which it was last seen to be the head of the record; null when never since start. */
    readonly verifiedAt: string | null;
  } | null;
}

export interface HealthReport {
  /** `degraded`: serves, but something is not as it should be. */
  readonly status: 'ok' | 'degraded' | 'starting' | 'draining';
  readonly bus: { readonly state: 'available' | 'unavailable' | 'off'; readonly reason: BusReason | null };
  readonly datafiles: readonly DatafileStatus[];
  /** Absent while datafiles can be saved, or there is no cache folder. */
  readonly cache?: { readonly state: 'failing' /** ISO time. */; readonly since: string };
  /** Where workers serve; absent where this process does. */
  readonly workers?: WorkersReport;
  /** Whose signatures count, and what was refused; absent where nobody looks at them. */
  readonly signatures?: SignatureReport;
}

export interface Status {
  /** True once each configured key has a datafile; staleness never makes it false again. */
  ready(): boolean;
  report(): HealthReport;
  samples(): readonly DatafileSample[];
  /** From now on not ready: the agent is going away. */
  draining(): void;
}

export interface StatusOptions {
  readonly keys: Keys;
  readonly store: AnyStore;
  readonly health: BusHealth;
  readonly busConfigured: boolean;
  /** Without one the CDN is all there is, and nothing is missing. */
  readonly recordConfigured: boolean;
  readonly nowMs: () => number;
  readonly quarantined?: (sdkKey: SdkKey) => Quarantined | null;
  /** Since when the cache folder cannot be written; null while it can. */
  readonly cacheFailedAtMs?: () => number | null;
  /** Where others serve: how they are. */
  readonly workers?: () => WorkersReport;
  readonly signatures?: () => SignatureReport | null;
}

export function createStatus(options: StatusOptions): Status {
  const { keys, store, health, busConfigured, recordConfigured, nowMs, workers } = options;
  const { cacheFailedAtMs = () => null, quarantined = () => null } = options;
  const signatures = () => options.signatures?.() ?? null;
  let draining = false;
  const allServed = () =>
    [...keys.all()].every((key) => !key.configured || store.get(key.sdkKey) !== null) &&
    workers?.().ready !== false;

  const overall = (): HealthReport['status'] => {
    if (draining) return 'draining';
    if (!allServed()) return 'starting';
    const fromCdn = [...keys.all()].some((key) => store.get(key.sdkKey)?.seq === 0);
    if (workers?.().whole === false) return 'degraded';
    if ((signatures()?.refused.length ?? 0) > 0) return 'degraded';
    if ([...keys.all()].some(({ sdkKey }) => quarantined(sdkKey) !== null)) return 'degraded';
    if (cacheFailedAtMs() !== null) return 'degraded';
    return (busConfigured && !health.available) || (recordConfigured && fromCdn) ? 'degraded' : 'ok';
  };

  return {
    ready: () => !draining && allServed(),
    draining: () => {
      draining = true;
    },
    report: () => ({
      status: overall(),
      bus: busConfigured
        ? { state: health.available ? 'available' : 'unavailable', reason: health.reason }
        : { state: 'off', reason: null },
      datafiles: [...keys.all()].map((key) => ({
        sdkKey: key.sdkKey,
        configured: key.configured,
        ...refusalOf(quarantined(key.sdkKey)),
        datafile: datafileOf(store, key.sdkKey, nowMs()),
      })),
      ...cacheOf(cacheFailedAtMs()),
      ...(workers === undefined ? {} : { workers: workers() }),
      ...signaturesOf(signatures()),
    }),
    samples: () =>
      [...keys.all()].flatMap(({ sdkKey }) => {
        const held = store.get(sdkKey);
        if (held === null) return [];
        const verifiedAtMs = store.verifiedAtMs(sdkKey);
        const verifiedAgeS = verifiedAtMs === null ? null : (nowMs() - verifiedAtMs) / 1000;
        return [{ sdkKey, seq: held.seq, revision: held.revision, verifiedAgeS }];
      }),
  };
}

function refusalOf(refused: Quarantined | null): Pick<DatafileStatus, 'quarantined'> {
  if (refused === null) return {};
  const { seq, revision, code, sinceMs } = refused;
  return { quarantined: { seq, revision, code, since: new Date(sinceMs).toISOString() } };
}

const signaturesOf = (report: SignatureReport | null) => (report === null ? {} : { signatures: report });

const cacheOf = (failedAtMs: number | null): Pick<HealthReport, 'cache'> =>
  failedAtMs === null ? {} : { cache: { state: 'failing', since: new Date(failedAtMs).toISOString() } };

function datafileOf(store: AnyStore, sdkKey: SdkKey, nowMs: number): DatafileStatus['datafile'] {
  const held = store.get(sdkKey);
  if (held === null) return null;
  const { lineage, seq, revision, sha256, source, changeId, acceptedAtMs } = held;
  const verifiedAtMs = store.verifiedAtMs(sdkKey);
  return {
    ...{ lineage, seq, revision, sha256, source, changeId },
    ageMs: nowMs - acceptedAtMs,
    verifiedAt: verifiedAtMs === null ? null : new Date(verifiedAtMs).toISOString(),
  };
}
