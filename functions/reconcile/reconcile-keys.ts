// The minute's run over every configured key, and the heartbeat that says what each head should be. One key's failure
// stops neither the others nor the beat; in the end the run fails if anything did.

import { QUARANTINE_DEFAULT } from '../../core/bus/refusal-reports.ts';
import { errorFields } from '../../core/errors.ts';
import type { ChangeId, SdkKey } from '../../core/ids.ts';
import type { ProjectTable } from '../../core/projects.ts';
import { isQuarantined, type Manifest } from '../../core/record/manifest.ts';
import type { Version } from '../../core/version.ts';
import type { Deps } from '../ports.ts';
import { ensureStream } from '../publish/announce-patiently.ts';
import type { Role } from '../settings/settings.ts';
import { withFields } from '../telemetry.ts';
import { settleEach } from '../wait.ts';
import { bringAgentsBack } from './agents-ahead.ts';
import { Quarantine } from './quarantine.ts';
import { reconcileKey } from './reconcile-key.ts';

const KEYS_PARALLEL_MAX = 8;

export interface ReconcileSettings {
  readonly projects: ProjectTable;
  readonly role: Role;
  /** Kept over the runs of a process. */
  readonly quarantine?: Quarantine;
}

/** @throws the first failure, after everything was tried */
export async function reconcileKeys(
  deps: Deps,
  { projects, role, quarantine = new Quarantine(QUARANTINE_DEFAULT) }: ReconcileSettings,
): Promise<void> {
  const startedAtMs = deps.clock.nowMs();
  const changeId = `reconcile-${deps.newId()}` as ChangeId;
  const log = withFields(deps.log, { changeId });
  const failures: unknown[] = [];
  const noteFailure = (event: 'stream.ensured' | 'beat.sent') => (error: unknown) => {
    log.error(event, errorFields(error));
    failures.push(error);
  };
  await ensureStream({ ...deps, log }).catch(noteFailure('stream.ensured'));

  const keys = [...projects.values()].flatMap(({ projectId, datafiles }) =>
    datafiles.map((source) => ({ source, projectId })),
  );
  const manifests: Manifest[] = [];
  await settleEach(keys, KEYS_PARALLEL_MAX, async ({ source, projectId }) => {
    const keyLog = withFields(log, { sdkKey: source.sdkKey });
    const run = { source, projectId, changeId, startedAtMs, role };
    const result = await reconcileKey({ ...deps, log: keyLog }, run);
    if (result.manifest !== null) manifests.push(result.manifest);
    failures.push(...result.failures);
  });

  // A bus that lacks a quarantined version is not behind.
  const heads = new Map<SdkKey, Version>(
    manifests.filter((it) => !isQuarantined(it)).map((it) => [it.sdkKey, it]),
  );
  const others = keys.map(({ source }) => source.sdkKey).filter((sdkKey) => !heads.has(sdkKey));
  const beat = { sentAtMs: deps.clock.nowMs(), heads, others };
  const reports = await quarantine.beat({ ...deps, log }, beat, manifests).catch(noteFailure('beat.sent'));
  await quarantine.judge({ ...deps, log }, role, manifests, reports ?? []);
  if (role === 'home') {
    const change = { changeId, receivedAtMs: startedAtMs };
    const answers = { manifests, reports: reports ?? [], agentsMin: quarantine.agentsMin };
    await bringAgentsBack({ ...deps, log }, change, answers);
  }
  const elapsedMs = deps.clock.nowMs() - startedAtMs;
  log.info('reconcile.finished', {
    keys: keys.length,
    heads: heads.size,
    failures: failures.length,
    elapsedMs,
  });
  if (failures.length > 0) throw failures[0];
}
