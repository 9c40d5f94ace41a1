// The identity of a datafile, and the limits that it must keep before it is parsed further.
// Whether the Optimizely SDK can load it is asked elsewhere (datafile-gate.ts, functions/publish/sdk-check.ts, agent/decisions/clients.ts).

import { FanoutError, isFanoutError } from '../errors.ts';
import { isSdkKey, parseRevision, type SdkKey, type Sha256, sha256Of } from '../ids.ts';
import { nestsDeeperThanWithTexts } from './json-depth.ts';
import type { LeftOut } from './left-out.ts';

/** Real ones are 5 KB to several MB. */
export const DATAFILE_BYTES_MAX = 10 * 1024 * 1024;
/** Audience conditions nest a handful deep; recursive readers must not meet an endless one. */
export const DATAFILE_DEPTH_MAX = 64;
/** The only format the Optimizely SDKs of today read. */
export const DATAFILE_FORMAT_VERSION = '4';

export interface Datafile {
  readonly sdkKey: SdkKey;
  readonly projectId: string;
  /** Environment key such as `production`; empty in old datafiles. */
  readonly environment: string;
  readonly revision: number;
  readonly sha256: Sha256;
  /** The exact bytes as served by Optimizely; never re-serialised. */
  readonly body: Uint8Array;
  /** Parts that the gate left out, while the rest serves; absent where only the identity was read. */
  readonly leftOut?: readonly LeftOut[];
}

/** The identity that the reader expects; a missing field is not checked. */
export interface DatafileExpectation {
  readonly sdkKey: SdkKey;
  readonly projectId?: string;
  /**
   * Environment key that earlier datafiles of this SDK key had. Asked only of a datafile that does not name its SDK key, which
   * says the same and does not change: an environment may be renamed.
   */
  readonly environment?: string;
}

/**
 * Reads a datafile's identity from its bytes (UTF-8 JSON, at most DATAFILE_BYTES_MAX).
 * @throws FanoutError DATAFILE_TOO_LARGE, DATAFILE_INVALID, DATAFILE_UNSUPPORTED, DATAFILE_WRONG_KEY, DATAFILE_WRONG_PROJECT
 */
export function parseDatafile(body: Uint8Array, expected: DatafileExpectation): Datafile {
  checkLimits(body, expected.sdkKey);
  return identifyDatafile(parseJson(body, expected.sdkKey), body, sha256Of(body), expected);
}

/** Checks the limits that must hold before the body is parsed. @throws FanoutError DATAFILE_TOO_LARGE, DATAFILE_INVALID */
export function checkLimits(body: Uint8Array, sdkKey: SdkKey): void {
  if (body.byteLength > DATAFILE_BYTES_MAX) throw tooLarge(sdkKey, body.byteLength);
  if (nestsDeeperThanWithTexts(body, DATAFILE_DEPTH_MAX))
    throw invalid(sdkKey, `nests deeper than ${DATAFILE_DEPTH_MAX} levels`);
}

/**
 * The identity of a datafile that is parsed and hashed already: at an agent's swap each pass counts.
 * @throws FanoutError DATAFILE_INVALID, DATAFILE_UNSUPPORTED, DATAFILE_WRONG_KEY, DATAFILE_WRONG_PROJECT
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
  const revision = parseRevision(fields.revision);
  try {
    if (fields.version !== DATAFILE_FORMAT_VERSION) throw unsupportedVersion(expected.sdkKey, fields.version);
    // Versions are told apart by their order, so a revision that has no place in it cannot be published.
    if (revision === null) throw unsupportedRevision(expected.sdkKey, fields.revision);
    const projectId = projectOf(fields, expected);
    const { sdkKey } = expected;
    const isNamed = namesKey(fields, sdkKey);
    const environment = typeof fields.environmentKey === 'string' ? fields.environmentKey : '';
    if (!isNamed && (expected.environment ?? '') !== '' && environment !== expected.environment)
      throw wrongEnvironment(expected, environment);
    return { sdkKey, projectId, environment, revision, sha256, body };
  } catch (error) {
    // Which revision was refused tells a publisher whether waiting for a newer one makes sense.
    throw revision === null || !isFanoutError(error) ? error : withRevision(error, revision);
  }
}

/** Old datafiles name no project; then what is configured is all the evidence there is. */
function projectOf(fields: Readonly<Record<string, unknown>>, expected: DatafileExpectation): string {
  const { projectId: named } = fields;
  const projectId = typeof named === 'number' ? String(named) : (named ?? '');
  if (typeof projectId !== 'string') throw unsupported(expected.sdkKey, 'has a projectId that is no text');
  if (projectId === '') return expected.projectId ?? '';
  if (expected.projectId !== undefined && projectId !== expected.projectId)
    throw wrongProject(expected, projectId);
  return projectId;
}

/** Old datafiles do not name their SDK key; then the URL that one came from has to do. @throws FanoutError DATAFILE_WRONG_KEY */
function namesKey({ sdkKey: named }: Readonly<Record<string, unknown>>, expected: SdkKey): boolean {
  if ((named ?? '') === '') return false;
  if (named !== expected) throw wrongKey(expected, named);
  return true;
}

/**
 * The text of a datafile as parsers take it, without a byte order mark. Both gates read bytes by this.
 * @throws FanoutError DATAFILE_INVALID where they are not UTF-8: a lenient decoder would serve what was never published
 */
export function decodeText(body: Uint8Array, sdkKey: SdkKey): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw notJson(sdkKey, cause);
  }
}

function parseJson(body: Uint8Array, sdkKey: SdkKey): unknown {
  try {
    return JSON.parse(decodeText(body, sdkKey));
  } catch (cause) {
    throw isFanoutError(cause) ? cause : notJson(sdkKey, cause);
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

const notJson = (sdkKey: SdkKey, cause?: unknown) => invalid(sdkKey, 'is not UTF-8 JSON', cause);

/** Whole and well-formed, so asking again brings the same. */
const unsupported = (sdkKey: SdkKey, what: string) =>
  new FanoutError({
    code: 'DATAFILE_UNSUPPORTED',
    message: `The datafile of ${sdkKey} ${what}`,
    remedy:
      'Look at the datafile URL: Optimizely serves format version "4" with a whole number as revision. The last good one stays in use.',
    retryable: false,
    fields: { sdkKey },
  });

const unsupportedVersion = (sdkKey: SdkKey, version: unknown) =>
  unsupported(sdkKey, `has format version ${shown(version)}, not "${DATAFILE_FORMAT_VERSION}"`);

const unsupportedRevision = (sdkKey: SdkKey, revision: unknown) =>
  unsupported(sdkKey, `has no whole-number revision but ${shown(revision)}`);

const shown = (value: unknown): string => String(JSON.stringify(value)).slice(0, 40);

const wrongKey = (expected: SdkKey, actual: unknown) =>
  new FanoutError({
    code: 'DATAFILE_WRONG_KEY',
    message: `A datafile for ${expected} says that it belongs to ${isSdkKey(actual) ? actual : shown(actual)}`,
    remedy: 'Check the datafile URL templates: each SDK key must lead to its own datafile.',
    retryable: false,
    fields: { sdkKey: expected, actualSdkKey: isSdkKey(actual) ? actual : shown(actual) },
  });

const wrongEnvironment = (expected: DatafileExpectation, actual: string) =>
  new FanoutError({
    code: 'DATAFILE_WRONG_ENVIRONMENT',
    message: `A datafile for ${expected.sdkKey} names no SDK key, and is of environment "${actual.slice(0, 40)}" where those before it were of "${expected.environment}"`,
    remedy:
      'Check the datafile URL templates: each SDK key must lead to its own datafile. The last good one stays in use.',
    retryable: false,
    fields: { sdkKey: expected.sdkKey },
  });

const wrongProject = (expected: DatafileExpectation, actual: string) =>
  new FanoutError({
    code: 'DATAFILE_WRONG_PROJECT',
    message: `The datafile of ${expected.sdkKey} belongs to project ${actual}, not ${expected.projectId}`,
    remedy: 'Check the project table: this SDK key is configured under the wrong project id.',
    retryable: false,
    fields: { sdkKey: expected.sdkKey, expectedProjectId: expected.projectId, actualProjectId: actual },
  });

const withRevision = ({ message, code, remedy, retryable, fields, cause }: FanoutError, revision: number) =>
  new FanoutError({ message, code, remedy, retryable, fields: { ...fields, revision }, cause });
