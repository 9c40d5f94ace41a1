// Finds revisions in the record for a person: which ones the manifest's history names, and their bodies by hash. Reads
// only. Knows the store through the functions' own client.

import { decodeText } from '../../../core/datafile/datafile.ts';
import type { LeftOut } from '../../../core/datafile/left-out.ts';
import { makeLoadable } from '../../../core/datafile/loadable.ts';
import { FanoutError } from '../../../core/errors.ts';
import { type SdkKey, type Seq, toSdkKey } from '../../../core/ids.ts';
import type { HistoryEntry, Manifest } from '../../../core/record/manifest.ts';
import { isSameRevision, isSameSeq } from '../../../core/version.ts';
import type { DatafileRecord } from '../../../functions/ports.ts';
import { notFound } from '../command.ts';
import { type Shell, variable } from '../shell.ts';
import { type DatafileView, viewDatafile } from './model.ts';

export interface RecordOptions {
  readonly bucket?: string;
}

export interface OpenRecord {
  readonly record: DatafileRecord;
  readonly manifest: Manifest;
}

/** @throws FanoutError CONFIG_INVALID, RECORD_UNAVAILABLE, SDK_KEY_INVALID, SDK_KEY_UNKNOWN */
export async function openRecord(shell: Shell, key: string, options: RecordOptions): Promise<OpenRecord> {
  const sdkKey = toSdkKey(key);
  const bucket = options.bucket ?? variable(shell, 'FANOUT_BUCKET');
  if (bucket === undefined) throw bucketMissing();
  // Loaded when needed: the client costs more than everything else of this command.
  const { createBucket } = await import('../../../functions/record/bucket.ts');
  const region = variable(shell, 'FANOUT_BUCKET_REGION');
  const record = createBucket({ bucket, region, endpoint: variable(shell, 'FANOUT_S3_ENDPOINT') });
  const stored = await record.readManifest(sdkKey);
  if (stored === null) throw unknownKey(sdkKey, bucket);
  return { record, manifest: stored.manifest };
}

/**
 * The entry that the operator names by a revision number, `seq:<n>`, or the first digits of a hash. Of several entries with one
 * revision it is the newest.
 * @throws FanoutError NOTHING_FOUND
 */
export function findEntry({ history, sdkKey }: Manifest, wanted: string): HistoryEntry {
  const [, seq] = /^seq:(\d+)$/.exec(wanted) ?? [];
  const [, revision] = /^(\d{1,15})$/.exec(wanted) ?? [];
  const [, hash] = /^(?:sha256:)?([0-9a-f]{8,64})$/.exec(wanted) ?? [];
  const found = history.find(
    (entry) =>
      (seq !== undefined && isSameSeq(entry, { seq: Number(seq) as Seq })) ||
      (revision !== undefined && isSameRevision(entry, { revision: Number(revision) })),
  );
  // A hash of digits only is possible; a revision with as many is not.
  const entry = found ?? history.find(({ sha256 }) => hash !== undefined && sha256.startsWith(hash));
  if (entry !== undefined) return entry;
  const revisions = history.map((one) => one.revision);
  throw notFound(
    `The record of ${sdkKey} has no revision "${wanted}" among its last ${history.length}`,
    `Take one of ${Math.min(...revisions)} to ${Math.max(...revisions)} that \`fanout datafile history ${sdkKey}\` lists, or seq:<n>, or the beginning of a hash.`,
  );
}

/** @throws FanoutError BODY_MISSING, BODY_CORRUPT, RECORD_UNAVAILABLE */
export async function readBody(
  { record, manifest }: OpenRecord,
  entry: HistoryEntry,
): Promise<{
  readonly body: Uint8Array;
  readonly view: DatafileView;
  readonly leftOut: readonly LeftOut[];
}> {
  const body = await record.readBody(manifest.sdkKey, entry.sha256);
  // It was checked before it was stored, and its hash has just been.
  const datafile = JSON.parse(decodeText(body, manifest.sdkKey));
  const leftOut = makeLoadable(datafile);
  return { body, view: viewDatafile(datafile), leftOut };
}

const bucketMissing = () =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: 'No bucket is named',
    remedy:
      "Name the deployment (--stage NAME, or --local for that of `npm run up`), or give --bucket or FANOUT_BUCKET: the stack's output FanoutBucketName.",
    retryable: false,
  });

const unknownKey = (sdkKey: SdkKey, bucket: string) =>
  new FanoutError({
    code: 'SDK_KEY_UNKNOWN',
    message: `The record in ${bucket} has no datafile of ${sdkKey}`,
    remedy: 'Compare the key and the bucket; reconcile imports a key of the project table within a minute.',
    retryable: false,
    fields: { sdkKey, bucket },
  });
