// The manifest as bytes in S3. Reading checks every field that a reader acts on, so that a half-written or foreign
// object is an error with a remedy and never a strange agent.

import { parseJsonWithin } from '../datafile/json-depth.ts';
import { FanoutError, messageOf } from '../errors.ts';
import { isChangeId, isLineage, isSeq, isSha256, parseRevision, type SdkKey } from '../ids.ts';
import { isOfRecord } from '../version.ts';
import { HISTORY_MAX, MANIFEST_SCHEMA, type Manifest } from './manifest.ts';
import { bodyKey, manifestKey } from './names.ts';
import { SIGNATURE_CHARACTERS_MAX } from './signature.ts';

/** Fifty history entries take about 12 KB, and signed ones 19 KB. */
export const MANIFEST_BYTES_MAX = 64 * 1024;

export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(manifest));
}

/** @throws FanoutError MANIFEST_INVALID, with the first field that is wrong */
export function decodeManifest(bytes: Uint8Array, sdkKey: SdkKey): Manifest {
  if (bytes.byteLength > MANIFEST_BYTES_MAX)
    throw invalid(sdkKey, `has ${bytes.byteLength} bytes, over ${MANIFEST_BYTES_MAX}`);
  let value: Partial<Record<keyof Manifest, unknown>>;
  try {
    value = parseJsonWithin(bytes) as typeof value;
  } catch (cause) {
    throw invalid(sdkKey, `is not JSON (${messageOf(cause)})`);
  }
  const wrong = firstWrongField(value, sdkKey);
  if (wrong !== null) throw invalid(sdkKey, `has a wrong "${wrong}"`);
  return value as unknown as Manifest;
}

function firstWrongField(
  value: Partial<Record<keyof Manifest, unknown>> | null,
  sdkKey: SdkKey,
): string | null {
  if (value === null || typeof value !== 'object') return 'schema';
  const checks: readonly [keyof Manifest, boolean][] = [
    ['schema', value.schema === MANIFEST_SCHEMA],
    ['sdkKey', value.sdkKey === sdkKey],
    ['lineage', isLineage(value.lineage)],
    ['seq', isSeq(value.seq) && isOfRecord({ seq: value.seq })],
    ['revision', typeof value.revision === 'number' && parseRevision(value.revision) !== null],
    ['sha256', isSha256(value.sha256)],
    ['bodyKey', isSha256(value.sha256) && value.bodyKey === bodyKey(sdkKey, value.sha256)],
    ['bytes', Number.isSafeInteger(value.bytes)],
    ['projectId', typeof value.projectId === 'string'],
    ['environment', typeof value.environment === 'string'],
    ['cause', typeof value.cause === 'string'],
    ['changeId', isChangeId(value.changeId)],
    ['receivedAtMs', Number.isFinite(value.receivedAtMs)],
    ['publishedAtMs', Number.isFinite(value.publishedAtMs)],
    ['cdn', value.cdn !== null && typeof value.cdn === 'object'],
    ['pin', value.pin === null || typeof value.pin === 'object'],
    ['history', Array.isArray(value.history) && value.history.length <= HISTORY_MAX],
    ['quarantine', value.quarantine === undefined || isMark(value.quarantine)],
    ['signature', isSignatureOrNone(value.signature)],
    ['seal', isSignatureOrNone(value.seal)],
  ];
  return checks.find(([, right]) => !right)?.[0] ?? null;
}

function isMark(value: unknown): boolean {
  if (value === null || typeof value !== 'object') return false;
  const { seq, code, atMs } = value as Record<string, unknown>;
  return isSeq(seq) && typeof code === 'string' && Number.isFinite(atMs);
}

/** Whether it is a good one is for those to say who have keys. */
const isSignatureOrNone = (value: unknown): boolean =>
  value === undefined || (typeof value === 'string' && value.length <= SIGNATURE_CHARACTERS_MAX);

const invalid = (sdkKey: SdkKey, what: string) =>
  new FanoutError({
    code: 'MANIFEST_INVALID',
    message: `The manifest of ${sdkKey} ${what}`,
    remedy: `Restore an earlier object version of ${manifestKey(sdkKey)}; agents keep their last good datafile meanwhile.`,
    retryable: false,
    fields: { sdkKey },
  });
