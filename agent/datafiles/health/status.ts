// The agent's readiness and health, derived from the store. Knows neither HTTP nor Prometheus.

import { LEFT_OUT_SHOWN_MAX, sentenceOf } from '../../../core/datafile/left-out.ts';
import type { SdkKey } from '../../../core/ids.ts';
import { isOfRecord } from '../../../core/version.ts';
import type { WorkersReport } from '../../workers/metrics/report.ts';
import type { Keys } from '../keys/keys.ts';
import type { UnknownKey, UnknownKeys } from '../keys/unknown.ts';
import type { LastGood, UnusedHead } from '../last-good.ts';
import type { DatafileSample } from '../metrics.ts';
import type { Quarantined } from '../quarantine.ts';
import type { SignatureReport } from '../signatures.ts';
import type { SourceName } from '../sources/source.ts';
import type { AnyStore } from '../store.ts';
import type { BusHealth, BusReason } from './bus-health.ts';
import { isEnough } from './readiness.ts';
import { staleAfterMs, staleSinceMs } from './staleness.ts';

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
  /** Neither Optimizely nor the record has this configured key; absent otherwise. The agent is ready without it. */
  readonly unknownToOptimizely?: {
    /** ISO time. */
    readonly since: string;
    /** The status of the CDN's answer, 403 or 404. */
    readonly cdnStatus: number;
  };
  /** No source has seen the serving datafile to be current for longer than they take to look; absent otherwise. */
  readonly stale?: {
    /** ISO time: when it was last seen to be, else when it began to serve. */
    readonly since: string;
  };
  /** Parts of the datafile that are not served; absent where all of it is. */
  readonly leftOut?: {
    readonly count: number;
    /** The first of them, as sentences that name the flags. */
    readonly parts: readonly string[];
  };
  /** The record's head, in whose place an earlier version of it serves; absent while the head does, or nothing of the record. */
  readonly lastGood?: {
    readonly headSeq: number;
    readonly headRevision: number;
    /** Why the head cannot be used. */
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
  /** `degraded`: serves, but something is not as it should be. `stale`: serves what may have been replaced since. */
  readonly status: 'ok' | 'degraded' | 'stale' | 'starting' | 'draining';
  readonly bus: {
    readonly state: 'available' | 'unavailable' | 'off';
    readonly reason: BusReason | null;
    /** Why it cannot be reached, where that is known. */
    readonly cause?: string;
  };
  readonly datafiles: readonly DatafileStatus[];
  /** Absent while datafiles can be saved, or there is no cache folder. */
  readonly cache?: { readonly state: 'failing' /** ISO time. */; readonly since: string };
  /** Where workers serve; absent where this process does. */
  readonly workers?: WorkersReport;
  /** Whose signatures count, and what was refused; absent where signatures are not checked. */
  readonly signatures?: SignatureReport;
}

export interface Status {
  /** True once the agent has enough to serve, see isEnough(); staleness never makes it false again. */
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
  /** Why the bus cannot be reached; null where that is not known, or it can. */
  readonly busCause?: () => string | null;
  /** Without one the CDN is all there is, and nothing is missing. */
  readonly recordConfigured: boolean;
  readonly nowMs: () => number;
  /** How often the key's source asks whether its datafile is current. */
  readonly lookEveryMs: (sdkKey: SdkKey) => number;
  readonly quarantined?: (sdkKey: SdkKey) => Quarantined | null;
  readonly unknown?: Pick<UnknownKeys, 'of' | 'isExempt'>;
  /** The head in whose place an earlier version serves. */
  readonly lastGood?: Pick<LastGood, 'of'>;
  /** Since when the cache folder cannot be written; null while it can. */
  readonly cacheFailedAtMs?: () => number | null;
  /** Where others serve: how they are. */
  readonly workers?: () => WorkersReport;
  readonly signatures?: () => SignatureReport | null;
}

const NONE_UNKNOWN = { of: () => null, isExempt: () => false };

export function createStatus(options: StatusOptions): Status {
  const { keys, store, health, busConfigured, recordConfigured, nowMs, workers } = options;
  const { cacheFailedAtMs = () => null, quarantined = () => null, unknown = NONE_UNKNOWN } = options;
  const { busCause = () => null } = options;
  const lastGood = (sdkKey: SdkKey) => options.lastGood?.of(sdkKey) ?? null;
  const signatures = () => options.signatures?.() ?? null;
  let draining = false;
  const isServed = () =>
    isEnough(keys.all(), (sdkKey) => store.get(sdkKey) !== null, unknown.isExempt.bind(unknown)) &&
    workers?.().ready !== false;
  // The refused version is the reason why an older one serves; the sources look as they should.
  const staleSince = (sdkKey: SdkKey) =>
    quarantined(sdkKey) !== null || lastGood(sdkKey) !== null
      ? null
      : staleSinceMs(
          store.get(sdkKey),
          store.verifiedAtMs(sdkKey),
          nowMs(),
          staleAfterMs(options.lookEveryMs(sdkKey)),
        );
  const anyKey = (has: (sdkKey: SdkKey) => boolean) => [...keys.all()].some(({ sdkKey }) => has(sdkKey));

  /** Each of them alone makes an agent degraded. */
  const blemishes: readonly (() => boolean)[] = [
    () => workers?.().whole === false,
    () => (signatures()?.refused.length ?? 0) > 0,
    () => anyKey((sdkKey) => quarantined(sdkKey) !== null || lastGood(sdkKey) !== null),
    () => anyKey((sdkKey) => unknown.of(sdkKey) !== null),
    () => cacheFailedAtMs() !== null,
    () => busConfigured && !health.available,
    () =>
      recordConfigured &&
      anyKey((sdkKey) => {
        const held = store.get(sdkKey);
        return held !== null && !isOfRecord(held);
      }),
  ];

  const overall = (): HealthReport['status'] => {
    if (draining) return 'draining';
    if (!isServed()) return 'starting';
    if (anyKey((sdkKey) => staleSince(sdkKey) !== null)) return 'stale';
    return blemishes.some((isThere) => isThere()) ? 'degraded' : 'ok';
  };

  return {
    ready: () => !draining && isServed(),
    draining: () => {
      draining = true;
    },
    report: () => ({
      status: overall(),
      bus: busConfigured ? busReport(health, busCause()) : { state: 'off', reason: null },
      datafiles: [...keys.all()].map(({ sdkKey, configured }) => ({
        sdkKey,
        configured,
        ...refusalOf(quarantined(sdkKey)),
        ...lastGoodOf(lastGood(sdkKey)),
        ...unknownOf(unknown.of(sdkKey)),
        ...staleOf(staleSince(sdkKey)),
        ...leftOutOf(store, sdkKey),
        datafile: datafileOf(store, sdkKey, nowMs()),
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
        const leftOut = held.leftOut?.length ?? 0;
        const isLastGood = lastGood(sdkKey) !== null;
        return [{ sdkKey, seq: held.seq, revision: held.revision, verifiedAgeS, leftOut, isLastGood }];
      }),
  };
}

function refusalOf(refused: Quarantined | null): Pick<DatafileStatus, 'quarantined'> {
  if (refused === null) return {};
  const { seq, revision, code, sinceMs } = refused;
  return { quarantined: { seq, revision, code, since: isoOf(sinceMs) } };
}

const isoOf = (ms: number): string => new Date(ms).toISOString();

const unknownOf = (unknown: UnknownKey | null): Pick<DatafileStatus, 'unknownToOptimizely'> =>
  unknown === null
    ? {}
    : { unknownToOptimizely: { since: isoOf(unknown.sinceMs), cdnStatus: unknown.cdnStatus } };

const staleOf = (sinceMs: number | null): Pick<DatafileStatus, 'stale'> =>
  sinceMs === null ? {} : { stale: { since: isoOf(sinceMs) } };

const busReport = ({ available, reason }: BusHealth, cause: string | null): HealthReport['bus'] => ({
  state: available ? 'available' : 'unavailable',
  reason,
  ...(cause === null ? {} : { cause }),
});

function leftOutOf(store: AnyStore, sdkKey: SdkKey): Pick<DatafileStatus, 'leftOut'> {
  const leftOut = store.get(sdkKey)?.leftOut ?? [];
  if (leftOut.length === 0) return {};
  return { leftOut: { count: leftOut.length, parts: leftOut.slice(0, LEFT_OUT_SHOWN_MAX).map(sentenceOf) } };
}

function lastGoodOf(head: UnusedHead | null): Pick<DatafileStatus, 'lastGood'> {
  if (head === null) return {};
  const { seq: headSeq, revision: headRevision, code, sinceMs } = head;
  return { lastGood: { headSeq, headRevision, code, since: isoOf(sinceMs) } };
}

const signaturesOf = (report: SignatureReport | null) => (report === null ? {} : { signatures: report });

const cacheOf = (failedAtMs: number | null): Pick<HealthReport, 'cache'> =>
  failedAtMs === null ? {} : { cache: { state: 'failing', since: isoOf(failedAtMs) } };

function datafileOf(store: AnyStore, sdkKey: SdkKey, nowMs: number): DatafileStatus['datafile'] {
  const held = store.get(sdkKey);
  if (held === null) return null;
  const { lineage, seq, revision, sha256, source, changeId, acceptedAtMs } = held;
  const verifiedAtMs = store.verifiedAtMs(sdkKey);
  return {
    lineage,
    seq,
    revision,
    sha256,
    source,
    changeId,
    ageMs: nowMs - acceptedAtMs,
    verifiedAt: verifiedAtMs === null ? null : isoOf(verifiedAtMs),
  };
}
