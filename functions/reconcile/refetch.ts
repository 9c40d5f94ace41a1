// Queued refetches: a webhook was early and the CDN late. Asks with more patience than a webhook has, then fails, so
// that Lambda asks again in a minute and the dead-letter queue shows what never came.

import { decodeNotice, type RefetchNotice } from '../../core/bus/notice.ts';
import { errorFields } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { DatafileSource, ProjectTable } from '../../core/projects.ts';
import type { Deps } from '../ports.ts';
import { bringUpToDate } from '../publish/bring-up-to-date.ts';
import { withFields } from '../telemetry.ts';
import { settleEach } from '../wait.ts';

/** Leaves time for storing and announcing within the function's minute. */
export const REFETCH_BUDGET_MS = 45_000;
const REFETCHES_PARALLEL_MAX = 4;

/** @throws the first failure, after everything was tried */
export async function refetch(
  deps: Deps,
  projects: ProjectTable,
  messages: readonly string[],
): Promise<void> {
  const settled = await settleEach(messages, REFETCHES_PARALLEL_MAX, async (message) => {
    const notice = decodeNotice(message);
    if (notice.kind === 'refetch') await refetchOne(deps, projects, notice);
  });
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    deps.log.error('reconcile.finished', errorFields(failure.reason));
    throw failure.reason;
  }
}

async function refetchOne(deps: Deps, projects: ProjectTable, notice: RefetchNotice): Promise<void> {
  const { sdkKey, changeId, receivedAtMs, revision } = notice;
  const log = withFields(deps.log, { changeId, sdkKey });
  const found = findSource(projects, sdkKey);
  if (found === null) {
    log.warn('reconcile.key', { result: 'unknown-key', revision });
    return;
  }
  const change = { ...found, changeId, receivedAtMs, cause: 'webhook' } as const;
  const outcome = await bringUpToDate({ ...deps, log }, change, { revision, budgetMs: REFETCH_BUDGET_MS });
  if (outcome.kind === 'stale' || outcome.kind === 'refused') throw outcome.error;
  log.info('reconcile.key', { result: outcome.kind, revision, seq: outcome.manifest.seq });
}

function findSource(
  projects: ProjectTable,
  sdkKey: SdkKey,
): { source: DatafileSource; projectId: string } | null {
  for (const { projectId, datafiles } of projects.values()) {
    const source = datafiles.find((datafile) => datafile.sdkKey === sdkKey);
    if (source !== undefined) return { source, projectId };
  }
  return null;
}
