// What we need to know of a datafile, and the limits a datafile must keep before anybody parses it further.
// Whether the Optimizely SDK can load it is asked elsewhere (functions/sdk-check.ts, agent/clients.ts).

import { FanoutError } from './errors.ts';
import { parseRevision, type SdkKey, type Sha256, sha256Of, toSdkKey } from './ids.ts';
import { nestsDeeperThanWithTexts } from './json-depth.ts';

/** Real ones are 5 KB to several MB. */
export const DATAFILE_BYTES_MAX = 10 * 1024 * 1024;
/** Audience conditions nest a handful deep; recursive readers must not meet an endless one. */
export const DATAFILE_DEPTH_MAX = 64;
/** The only format the Optimizely SDKs of today read. */
export const DATAFILE_FORMAT_VERSION = '4';

/** The SDK takes a datafile without them, and then knows no flag: that is not what anybody published. */
const LISTS_REQUIRED = ['experiments', 'featureFlags', 'rollouts'] as const;

export interface Datafile {
  readonly sdkKey: SdkKey;
  readonly projectId: string;
  /** Environment key such as `production`; empty in old datafiles. */
  readonly environment: string;
  readonly revision: number;
  readonly sha256: Sha256;
  /** The exact bytes as served by Optimizely; never re-serialised. */
  readonly body: Uint8Array;
}

/** What the reader expects the datafile to be; a missing field is not checked. */
export interface DatafileExpectation {
  readonly sdkKey: SdkKey;
  readonly projectId?: string;
}

/**
 * Reads a datafile's identity from its bytes (UTF-8 JSON, at most DATAFILE_BYTES_MAX).
 * @throws FanoutError DATAFILE_TOO_LARGE, DATAFILE_INVALID, DATAFILE_WRONG_KEY, DATAFILE_WRONG_PROJECT
 */
export function parseDatafile(body: Uint8Array, expected: DatafileExpectation): Datafile {
  checkLimits(body, expected.sdkKey);
  return identifyDatafile(parseJson(body, expected.sdkKey), body, sha256Of(body), expected);
}

/** What must hold before anybody parses the body. @throws FanoutError DATAFILE_TOO_LARGE, DATAFILE_INVALID */
export function checkLimits(body: Uint8Array, sdkKey: SdkKey): void {
  if (body.byteLength > DATAFILE_BYTES_MAX) throw tooLarge(sdkKey, body.byteLength);
  if (nestsDeeperThanWithTexts(body, DATAFILE_DEPTH_MAX))
    throw invalid(sdkKey, `nests deeper than ${DATAFILE_DEPTH_MAX} levels`);
}

/**
 * The identity of a datafile that somebody else has parsed and hashed already: at an agent's swap each pass counts.
 * @throws FanoutError DATAFILE_INVALID, DATAFILE_WRONG_KEY, DATAFILE_WRONG_PROJECT
 */
export function identifyDatafile(
  parsed: unknown,
  body: Uint8Array,
  sha256: Sha256,
  expected: DatafileExpectation,
): Datafile {
  if (parsed === null || typeof parsed !== 'object' || Array.isArray(parsed))
    throw invalid(expected.sdkKey, 'is not a JSON object');
  const fields = parsed as Readonly<Record<string, unknown>>;
  if (fields.version !== DATAFILE_FORMAT_VERSION) {
    throw invalid(
      expected.sdkKey,
      `has format version ${JSON.stringify(fields.version)?.slice(0, 20)}, not "${DATAFILE_FORMAT_VERSION}"`,
    );
  }
  const revision = parseRevision(fields.revision);
  if (revision === null) throw invalid(expected.sdkKey, 'has no whole-number revision');
  const projectId = typeof fields.projectId === 'string' ? fields.projectId : '';
  if (projectId === '') throw invalid(expected.sdkKey, 'has no projectId');
  // Old datafiles do not name their SDK key; then the URL it came from is all the evidence there is.
  const sdkKey = typeof fields.sdkKey === 'string' ? toSdkKey(fields.sdkKey) : expected.sdkKey;
  if (sdkKey !== expected.sdkKey) throw wrongKey(expected.sdkKey, sdkKey);
  if (expected.projectId !== undefined && projectId !== expected.projectId)
    throw wrongProject(expected, projectId);
  const environment = typeof fields.environmentKey === 'string' ? fields.environmentKey : '';
  return { sdkKey, projectId, environment, revision, sha256, body };
}

/** Which of the lists that every datafile has this one lacks; null when it has all. @param parsed an object */
export function missingList(parsed: unknown): string | null {
  const fields = parsed as Readonly<Record<string, unknown>>;
  return LISTS_REQUIRED.find((name) => !Array.isArray(fields[name])) ?? null;
}

function parseJson(body: Uint8Array, sdkKey: SdkKey): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw notJson(sdkKey, cause);
  }
}

const tooLarge = (sdkKey: SdkKey, bytes: number) =>
  new FanoutError({
    code: 'DATAFILE_TOO_LARGE',
    message: `The datafile of ${sdkKey} has ${bytes} bytes; the limit is ${DATAFILE_BYTES_MAX}`,
    remedy: 'Archive unused flags and experiments in the project, or raise DATAFILE_BYTES_MAX.',
    retryable: false,
    fields: { sdkKey, bytes, bytesMax: DATAFILE_BYTES_MAX },
  });

const invalid = (sdkKey: SdkKey, what: string, cause?: unknown) =>
  new FanoutError({
    code: 'DATAFILE_INVALID',
    message: `The datafile of ${sdkKey} ${what}`,
    remedy:
      'Open the datafile URL in a browser: it must be the JSON that Optimizely serves. The last good one stays in use.',
    retryable: true,
    fields: { sdkKey },
    cause,
  });

/** For those who have a body parsed by somebody else, and were told that it cannot be. */
export const notJson = (sdkKey: SdkKey, cause?: unknown) => invalid(sdkKey, 'is not UTF-8 JSON', cause);

const wrongKey = (expected: SdkKey, actual: SdkKey) =>
  new FanoutError({
    code: 'DATAFILE_WRONG_KEY',
    message: `A datafile for ${expected} says that it belongs to ${actual}`,
    remedy: 'Check the datafile URL templates: each SDK key must lead to its own datafile.',
    retryable: false,
    fields: { sdkKey: expected, actualSdkKey: actual },
  });

const wrongProject = (expected: DatafileExpectation, actual: string) =>
  new FanoutError({
    code: 'DATAFILE_WRONG_PROJECT',
    message: `The datafile of ${expected.sdkKey} belongs to project ${actual}, not ${expected.projectId}`,
    remedy: 'Check the project table: this SDK key is configured under the wrong project id.',
    retryable: false,
    fields: { sdkKey: expected.sdkKey, expectedProjectId: expected.projectId, actualProjectId: actual },
  });
