// SNS records → heads on this bus. A notice only says which key to look at: the manifest in S3 says what to announce,
// so late, repeated and reordered notices all end at the same head.

import { decodeNotice, type Notice } from '../../core/bus/notice.ts';
import { errorFields } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { ReaderDeps } from '../ports.ts';
import { announcePatiently, ensureStream } from '../publish/announce-patiently.ts';
import { withFields } from '../telemetry.ts';
import { settleEach } from '../wait.ts';

const KEYS_PARALLEL_MAX = 4;

/** Returns the bridge: call it with the messages of each SNS event. It looks after the stream once per cold start. */
export function createBridge(deps: ReaderDeps): (messages: readonly string[]) => Promise<void> {
  let isStreamEnsured = false;
  return async (messages) => {
    const { notices, failures } = decodeAll(deps, messages);
    if (!isStreamEnsured) {
      await ensureStream(deps);
      isStreamEnsured = true;
    }
    const settled = await settleEach([...notices.values()], KEYS_PARALLEL_MAX, (notice) =>
      announceKey(deps, notice),
    );
    for (const result of settled) if (result.status === 'rejected') failures.push(result.reason);
    // Lambda repeats the whole event; what was announced is found done then.
    if (failures.length > 0) throw failures[0];
  };
}

/** One notice per key is enough. */
function decodeAll(deps: ReaderDeps, messages: readonly string[]) {
  const notices = new Map<SdkKey, Notice>();
  const failures: unknown[] = [];
  for (const message of messages) {
    try {
      const notice = decodeNotice(message);
      // The subscription's filter keeps refetches away; one that comes all the same is reconcile's.
      if (notice.kind === 'published') notices.set(notice.sdkKey, notice);
    } catch (error) {
      deps.log.error('change.announce-failed', errorFields(error));
      failures.push(error);
    }
  }
  return { notices, failures };
}

async function announceKey(deps: ReaderDeps, { sdkKey, changeId }: Notice): Promise<void> {
  const log = withFields(deps.log, { changeId, sdkKey });
  try {
    const stored = await deps.record.readManifest(sdkKey);
    if (stored === null) {
      // An operator removed the key from the record on purpose: there is nothing to announce.
      log.warn('change.announced', { result: 'no-manifest' });
      return;
    }
    const result = await announcePatiently({ ...deps, log }, stored.manifest);
    if (result !== 'published') log.info('change.announced', { result, seq: stored.manifest.seq });
  } catch (error) {
    deps.metrics.count(METRIC.announceFailed);
    log.error('change.announce-failed', { path: 'bus', ...errorFields(error) });
    throw error;
  }
}
