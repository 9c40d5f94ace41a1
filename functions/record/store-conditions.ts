// Whether a store honours conditions on writes, which is all that keeps two writers in order. Amazon's S3 does; another
// maker's is tried before the first swap, because one that ignores them answers 200 and loses changes in silence.

import { FanoutError } from '../../core/errors.ts';
import type { DatafileRecord } from '../ports.ts';

export type WriteCondition = { readonly IfMatch: string } | { readonly IfNoneMatch: string };

/** Writes a few bytes to `key` on a condition. Resolves with the HTTP status. @throws FanoutError RECORD_UNAVAILABLE */
export type TrialWrite = (key: string, condition: WriteCondition) => Promise<number>;

/** Under the prefix that roles allow; every process writes the same bytes, so that replicas may try at once. */
export const TRIAL_KEY = 'datafiles/.conditions';

/** No stored object has it: it is no MD5 of anything known. */
const NOBODYS_ETAG = `"${'0'.repeat(32)}"`;
/** A condition that does not hold, or a write while another writes. */
const HONOURED = new Set([409, 412]);
/** Some stores answer this to `If-Match` on an object that is not there. */
const GONE = 404;

/**
 * Tries both conditions until they were once seen to be honoured.
 * @param store how messages name it
 */
export function conditionsCheck(write: TrialWrite, store: string): () => Promise<void> {
  let isProven = false;
  return async () => {
    if (isProven) return;
    await proveConditions(write, store);
    isProven = true;
  };
}

/** @throws FanoutError RECORD_UNCONDITIONAL, RECORD_UNAVAILABLE */
async function proveConditions(write: TrialWrite, store: string): Promise<void> {
  const creation = { IfNoneMatch: '*' };
  const created = await write(TRIAL_KEY, creation);
  if (created !== 200 && !HONOURED.has(created)) throw unconditional(store, 'If-None-Match: *', created);
  const again = await write(TRIAL_KEY, creation);
  if (!HONOURED.has(again)) throw unconditional(store, 'If-None-Match: *', again);
  const stale = await write(TRIAL_KEY, { IfMatch: NOBODYS_ETAG });
  if (!HONOURED.has(stale) && stale !== GONE) throw unconditional(store, 'If-Match', stale);
}

/** Swaps nothing in a store that was not seen to honour conditions. */
export function withConditionsProven(record: DatafileRecord, check: () => Promise<void>): DatafileRecord {
  return {
    ...record,
    checkConditions: check,
    swapManifest: async (manifest, expectedEtag) => {
      await check();
      return record.swapManifest(manifest, expectedEtag);
    },
  };
}

const unconditional = (store: string, condition: string, status: number) =>
  new FanoutError({
    code: 'RECORD_UNCONDITIONAL',
    message: `The store at ${store} does not honour ${condition} on a PUT: it answers ${status} where 412 is due`,
    remedy:
      'Use a store with conditional writes (Amazon S3, or another whose PUT honours If-Match and If-None-Match), or a newer release of this one: without them two writers undo each other.',
    retryable: false,
    fields: { store, condition, status },
  });
