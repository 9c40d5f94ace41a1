// Small datafiles, and errors, for unit tests.

import { type ErrorCode, FanoutError } from '../../core/errors.ts';
import { bytesOf, KEY, PROJECT_ID, projectOf } from './project-builder.ts';

export { KEY, PROJECT_ID };

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
  return bytesOf(projectOf({ projectId, sdkKey, salt, ...more }, revision));
}
