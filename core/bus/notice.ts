// Messages over SNS: metadata only. A `published` notice tells every bridge to announce the head of a key; a
// `refetch` notice tells reconcile that the CDN had not yet caught up with a webhook. The reader always goes to S3 for the truth.

import { parseJsonWithin } from '../datafile/json-depth.ts';
import { FanoutError } from '../errors.ts';
import { type ChangeId, isChangeId, isSeq, parseRevision, type SdkKey, type Seq, toSdkKey } from '../ids.ts';

export const NOTICE_SCHEMA = 1;
/** SNS message attribute that subscriptions filter on. */
export const NOTICE_KIND_ATTRIBUTE = 'kind';

export interface PublishedNotice {
  readonly schema: typeof NOTICE_SCHEMA;
  readonly kind: 'published';
  readonly sdkKey: SdkKey;
  readonly seq: Seq;
  readonly revision: number;
  readonly changeId: ChangeId;
}

export interface RefetchNotice {
  readonly schema: typeof NOTICE_SCHEMA;
  readonly kind: 'refetch';
  readonly sdkKey: SdkKey;
  /** The revision that the webhook announced. */
  readonly revision: number;
  readonly changeId: ChangeId;
  readonly receivedAtMs: number;
}

export type Notice = PublishedNotice | RefetchNotice;

export const encodeNotice = (notice: Notice): string => JSON.stringify(notice);

/** @throws FanoutError NOTICE_INVALID, SDK_KEY_INVALID */
export function decodeNotice(message: string): Notice {
  let value: Partial<Record<keyof PublishedNotice | keyof RefetchNotice, unknown>>;
  try {
    value = parseJsonWithin(message) as typeof value;
  } catch (cause) {
    throw invalid('is not JSON', cause);
  }
  if (value === null || typeof value !== 'object' || value.schema !== NOTICE_SCHEMA)
    throw invalid('has an unknown schema');
  const { schema, kind, revision, changeId } = value;
  if (typeof value.sdkKey !== 'string') throw invalid('names no SDK key');
  const sdkKey = toSdkKey(value.sdkKey);
  if (typeof revision !== 'number' || parseRevision(revision) === null) throw invalid('has a wrong revision');
  if (!isChangeId(changeId)) throw invalid('has no change id');
  if (kind === 'published' && isSeq(value.seq))
    return { schema, kind, sdkKey, seq: value.seq, revision, changeId };
  if (kind === 'refetch' && typeof value.receivedAtMs === 'number') {
    return { schema, kind, sdkKey, revision, changeId, receivedAtMs: value.receivedAtMs };
  }
  throw invalid('is neither a published nor a refetch notice');
}

const invalid = (what: string, cause?: unknown) =>
  new FanoutError({
    code: 'NOTICE_INVALID',
    message: `An SNS message ${what}`,
    remedy: 'Only the webhook and reconcile functions should publish to this topic: check its access policy.',
    retryable: false,
    cause,
  });
