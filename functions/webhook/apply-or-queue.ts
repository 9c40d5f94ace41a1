// One datafile of one webhook: brought up to date within the answer's time, else queued for a refetch, else refused so
// that Optimizely does not take the change for safe. The only place where 204, 202, 422 and 503 are told apart.

import { NOTICE_SCHEMA } from '../../core/bus/notice.ts';
import { withinMs } from '../../core/clock.ts';
import { errorFields, FanoutError } from '../../core/errors.ts';
import { METRIC } from '../../core/log.ts';
import type { Deps } from '../ports.ts';
import { type Announced, bringUpToDate, type Outcome } from '../publish/bring-up-to-date.ts';
import type { Change } from '../publish/publish-datafile.ts';

/** On top of the fetch budget, for everything else; queuing must still fit into the function's ten seconds. */
export const APPLY_EXTRA_MS = 2_000;

/**
 * 204: in S3, or found already there. 202: queued. 422: Optimizely serves what it announced, and that can never be taken, so
 * there is nothing to wait for. 503: neither stored nor queued.
 */
export type Applied = 204 | 202 | 422 | 503;

export async function applyOrQueue(deps: Deps, change: Change, announced: Announced): Promise<Applied> {
  const outcome = await apply(deps, change, announced);
  const { revision } = announced;
  if (outcome.kind === 'refused') {
    deps.log.error('webhook.rejected', {
      status: 422,
      revision,
      ...errorFields(outcome.error),
    });
    return 422;
  }
  if (outcome.kind !== 'stale') return 204;
  const { sdkKey } = change.source;
  try {
    await deps.topic.publish({
      schema: NOTICE_SCHEMA,
      kind: 'refetch',
      sdkKey,
      revision,
      changeId: change.changeId,
      receivedAtMs: change.receivedAtMs,
    });
  } catch (error) {
    deps.log.error('refetch.queued', { queued: false, revision, ...errorFields(error) });
    return 503;
  }
  deps.metrics.count(METRIC.refetchQueued);
  const { code, message } = outcome.error;
  deps.log.warn('refetch.queued', {
    queued: true,
    revision,
    reason: code,
    error: message,
  });
  return 202;
}

/** Every failure that keeps the change from being stored is a reason to queue it. */
async function apply(deps: Deps, change: Change, announced: Announced): Promise<Outcome> {
  const capMs = announced.budgetMs + APPLY_EXTRA_MS;
  try {
    const work = bringUpToDate(deps, change, announced);
    // Work that outlives the cap does no harm: every write is a compare-and-swap, and the refetch finds it done.
    return await withinMs(deps.clock, capMs, work, () => ({ kind: 'stale', error: tooSlow(capMs) }) as const);
  } catch (error) {
    deps.log.error('request.failed', { revision: announced.revision, ...errorFields(error) });
    if (error instanceof FanoutError) return { kind: 'stale', error };
    return { kind: 'stale', error: unexpected(error) };
  }
}

const tooSlow = (capMs: number) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: `The change was not stored within ${capMs} ms`,
    remedy: 'Nothing to do: it is queued. If it repeats, look at the latency of S3 and of the CDN.',
    retryable: true,
  });

const unexpected = (cause: unknown) =>
  new FanoutError({
    code: 'RECORD_UNAVAILABLE',
    message: 'The change was not stored, for an unforeseen reason',
    remedy: 'It is queued; the log line before this one says more.',
    retryable: true,
    cause,
  });
