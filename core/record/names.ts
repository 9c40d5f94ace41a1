// Where things live: S3 keys, NATS subjects and stream. One place, so that writer and reader cannot disagree.

import type { SdkKey, Sha256 } from '../ids.ts';

/** JetStream stream that keeps the last message of every SDK key. */
export const STREAM_NAME = 'DATAFILES';
/** Subjects that the stream captures. */
export const STREAM_SUBJECTS = 'df.v1.*';
/** Once a minute, what the head of every key should be. Not captured by the stream. */
export const BEAT_SUBJECT = 'beat.v1';

/** An agent's report of the versions that it refuses, when a beat asks. Not captured either. */
export const CANARY_SUBJECTS = 'canary.v1.*';
export const canarySubject = (agent: string): string => `canary.v1.${agent}`;

/** Which keys' decision notifications have listeners. The stream does not keep these either. */
export const WANT_SUBJECT = 'want.v1';

/** Decision notifications of one key, from agent to agent. */
export const noteSubject = (sdkKey: SdkKey): string => `note.v1.${sdkKey}`;

/** SDK keys hold no subject metacharacter (see ids.ts), so the key is the token as it is. */
export const datafileSubject = (sdkKey: SdkKey): string => `df.v1.${sdkKey}`;

/** SDK keys may hold `+ / =`, which are not safe in S3 keys, file names or URLs. */
export const encodeSdkKey = (sdkKey: SdkKey): string => encodeURIComponent(sdkKey);

/** The one mutable object of an SDK key. */
export const manifestKey = (sdkKey: SdkKey): string => `datafiles/${encodeSdkKey(sdkKey)}/manifest.json`;

/** Immutable and content-addressed: written before the manifest names it. */
export const bodyKey = (sdkKey: SdkKey, sha256: Sha256): string =>
  `datafiles/${encodeSdkKey(sdkKey)}/bodies/${sha256}.json`;

/**
 * Where the bus answers requests of this user. Under the user's own name, so that permissions can keep users from hearing
 * each other's answers; the library's usual prefix for those without a name that can be part of a subject.
 */
export const inboxPrefix = (user: string | undefined): string =>
  user !== undefined && /^[\w-]+$/.test(user) ? `_INBOX.${user}` : '_INBOX';
