// Fetches until the datafile is at least as new as announced, or the budget is spent: the CDN can lag its webhook by
// minutes. Alternates between the addresses, and never passes on a body that is not a good datafile of this key.

import type { Datafile } from '../../core/datafile/datafile.ts';
import { errorFields, FanoutError, isFanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { DatafileSource } from '../../core/projects.ts';
import type { CdnValidators, Manifest } from '../../core/record/manifest.ts';
import { reachesRevision } from '../../core/version.ts';
import type { CdnAnswer, Deps, Via } from '../ports.ts';
import { pause } from '../wait.ts';

const REQUEST_TIMEOUT_MS = 3_000;
const PAUSE_FIRST_MS = 200;
const PAUSE_MAX_MS = 2_000;
/** Below every announced revision. */
const NONE_ANNOUNCED = { revision: 0 };

export interface Wanted {
  readonly source: DatafileSource;
  readonly projectId: string;
  /** 0 takes any revision that Optimizely serves now. */
  readonly atLeastRevision: number;
  /** What the record has; its validators spare fetching the same body again. */
  readonly known: Manifest | null;
  readonly budgetMs: number;
  /** Called for each good body that is older than wanted. */
  readonly onStale: (datafile: Datafile) => Promise<void>;
}

export type Fetched =
  | {
      readonly kind: 'fresh';
      readonly datafile: Datafile;
      readonly validators: CdnValidators;
      readonly via: Via;
    }
  /** Optimizely still serves what the manifest names, and that is new enough. */
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'stale'; readonly error: FanoutError }
  /** Optimizely serves the announced revision, or a newer one, and it cannot become good by waiting. */
  | { readonly kind: 'refused'; readonly error: FanoutError };

/** @throws FanoutError only what `onStale` throws; failures of Optimizely are in the answer. */
export async function fetchDatafile(deps: Deps, wanted: Wanted): Promise<Fetched> {
  const { cdn, clock } = deps;
  const vias = cdn.viasOf(wanted.source);
  const deadlineMs = clock.nowMs() + wanted.budgetMs;
  const asked = new Map<Via, CdnValidators>();
  const hopeless = new Set<Via>();
  let error = stale(wanted);
  for (let attempt = 0; ; attempt++) {
    const via = vias[attempt % vias.length] as Via;
    try {
      const timeoutMs = Math.min(REQUEST_TIMEOUT_MS, deadlineMs - clock.nowMs());
      const validators = asked.get(via) ?? wanted.known?.cdn ?? null;
      const answer = await cdn.fetch(wanted.source, via, validators, timeoutMs);
      if (answer.kind === 'unchanged') {
        const isKnown = !asked.has(via) && reachesRevision(wanted.known, wanted.atLeastRevision);
        if (isKnown) return { kind: 'unchanged' };
      } else {
        asked.set(via, answer.validators);
        const datafile = readAnswer(deps, wanted, answer, via);
        if (reachesRevision(datafile, wanted.atLeastRevision))
          return { kind: 'fresh', datafile, validators: answer.validators, via };
        error = stale(wanted, datafile.revision);
        await wanted.onStale(datafile);
      }
    } catch (caught) {
      if (!isFanoutError(caught) || !isAboutDatafile(caught)) throw caught;
      error = noteFailure(deps, wanted.source.sdkKey, via, caught);
      if (isForGood(caught, wanted)) hopeless.add(via);
    }
    if (hopeless.size === vias.length) return { kind: 'refused', error };
    if (clock.nowMs() >= deadlineMs) return { kind: 'stale', error };
    const isRoundOver = attempt % vias.length === vias.length - 1;
    if (isRoundOver) await pause(deps, Math.floor(attempt / vias.length), PAUSE_FIRST_MS, PAUSE_MAX_MS);
    if (clock.nowMs() >= deadlineMs) return { kind: 'stale', error };
  }
}

/**
 * A body that is older than announced may only be the CDN's lag: the announced one may be good. A key that is denied is worth
 * waiting for only where a webhook announced it; else it would hold up the keys after it.
 */
function isForGood({ code, retryable, fields }: FanoutError, { atLeastRevision }: Wanted): boolean {
  if (code === 'CDN_DENIED') return reachesRevision(NONE_ANNOUNCED, atLeastRevision);
  const { revision } = fields;
  return !retryable && (typeof revision !== 'number' || reachesRevision({ revision }, atLeastRevision));
}

function readAnswer(deps: Deps, wanted: Wanted, answer: CdnAnswer & { kind: 'body' }, via: Via): Datafile {
  const { sdkKey } = wanted.source;
  const environment = wanted.known?.environment ?? '';
  const datafile = deps.sdkCheck(answer.body, { sdkKey, projectId: wanted.projectId, environment });
  const { revision, sha256 } = datafile;
  deps.log.info('datafile.fetched', { sdkKey, via, revision, sha256, bytes: datafile.body.byteLength });
  return datafile;
}

/** Errors of the record, which `onStale` may meet, are not the datafile's fault and end the search. */
const isAboutDatafile = ({ code }: FanoutError): boolean =>
  code.startsWith('CDN_') || code.startsWith('DATAFILE_') || code === 'SDK_KEY_INVALID';

function noteFailure(deps: Deps, sdkKey: SdkKey, via: Via, error: FanoutError): FanoutError {
  if (error.code.startsWith('CDN_')) {
    deps.log.warn('datafile.rejected', { sdkKey, via, ...errorFields(error) });
  } else {
    deps.metrics.count(METRIC.datafileRejected);
    deps.log.error('datafile.rejected', { sdkKey, via, ...errorFields(error) });
  }
  return error;
}

const stale = ({ source: { sdkKey }, atLeastRevision }: Wanted, servedRevision?: number) =>
  new FanoutError({
    code: 'CDN_STALE',
    message: `Optimizely does not yet serve revision ${atLeastRevision} of ${sdkKey}`,
    remedy: 'Nothing to do: a refetch is queued, and reconcile looks every minute.',
    retryable: true,
    fields: { sdkKey, atLeastRevision, servedRevision },
  });
