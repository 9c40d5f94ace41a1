// Small datafiles, and errors, for unit tests.

import { type ErrorCode, FanoutError } from '../../core/errors.ts';
import { toSdkKey } from '../../core/ids.ts';

export const KEY = toSdkKey('TestKey1234567890abcde');
export const PROJECT_ID = '11387641093';
export const START_MS = 1_700_000_000_000;

export const failure = (code: ErrorCode, retryable = true): FanoutError =>
  new FanoutError({ code, message: `fake ${code}`, remedy: 'none', retryable });

export interface DatafileOptions {
  readonly sdkKey?: string;
  readonly projectId?: string;
  /** Makes other bytes of the same revision. */
  readonly salt?: string;
  readonly more?: object;
}

/** A small datafile that the SDK loads. */
export function datafileOf(revision: number, options: DatafileOptions = {}): Uint8Array {
  const { sdkKey = KEY, projectId = PROJECT_ID, salt = '', more = {} } = options;
  const lists = {
    experiments: [],
    featureFlags: [],
    rollouts: [],
    audiences: [],
    attributes: [],
    events: [],
    groups: [],
  };
  return Buffer.from(
    JSON.stringify({
      version: '4',
      revision: String(revision),
      projectId,
      sdkKey,
      environmentKey: 'production',
      salt,
      ...lists,
      ...more,
    }),
  );
}
