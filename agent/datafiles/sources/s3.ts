// Reads manifests and bodies from S3. Loads the AWS SDK only when first asked: that takes longer than serving the first
// decision from disk.

import { DATAFILE_BYTES_MAX } from '../../../core/datafile/datafile.ts';
import { FanoutError, isFanoutError } from '../../../core/errors.ts';
import type { SdkKey, Sha256 } from '../../../core/ids.ts';
import { decodeManifest, MANIFEST_BYTES_MAX } from '../../../core/record/manifest-codec.ts';
import { bodyKey, manifestKey } from '../../../core/record/names.ts';
import { AGENT_LIMITS } from '../../../io/aws-limits.ts';
import type { S3Objects, S3Settings } from '../../../io/s3.ts';
import type { ManifestAnswer, RecordReader } from './record.ts';

type Open = (settings: S3Settings) => Promise<Pick<S3Objects, 'get' | 'close'>>;

const openLazily: Open = async (settings) =>
  (await import('../../../io/s3.ts')).openS3(settings, AGENT_LIMITS);

export class S3Reader implements RecordReader {
  readonly #settings: S3Settings;
  readonly #open: Open;
  #opening: ReturnType<Open> | null = null;

  /** @param open called when first asked */
  constructor(settings: S3Settings, open: Open = openLazily) {
    this.#settings = settings;
    this.#open = open;
  }

  async readManifest(sdkKey: SdkKey, etag: string | null): Promise<ManifestAnswer> {
    const { get } = await this.#objects();
    const found = await get(manifestKey(sdkKey), MANIFEST_BYTES_MAX, etag);
    if (typeof found === 'string') return { kind: found };
    return { kind: 'manifest', manifest: decodeManifest(found.bytes, sdkKey), etag: found.etag };
  }

  async readBody(sdkKey: SdkKey, sha256: Sha256): Promise<Uint8Array> {
    const key = bodyKey(sdkKey, sha256);
    const { get } = await this.#objects();
    try {
      const found = await get(key, DATAFILE_BYTES_MAX);
      if (typeof found === 'string') throw missing(sdkKey, key);
      return found.bytes;
    } catch (error) {
      if (!isFanoutError(error, 'RECORD_UNAVAILABLE')) throw error;
      // Without s3:ListBucket a missing body is a 403; the manifest beside it could be read.
      if (error.fields.status === 403) throw missing(sdkKey, key, error);
      throw 'bytesMax' in error.fields ? tooLargeToBe(sha256, sdkKey, key) : error;
    }
  }

  close(): void {
    this.#opening?.then(
      (objects) => objects.close(),
      () => {}, // It never came to be; the source that asked has had the error.
    );
  }

  #objects(): ReturnType<Open> {
    this.#opening ??= this.#open(this.#settings);
    return this.#opening;
  }
}

/** No datafile is that large, so it is not the one that the manifest names. */
const tooLargeToBe = (sha256: Sha256, sdkKey: SdkKey, key: string) =>
  new FanoutError({
    code: 'BODY_CORRUPT',
    message: `${key} has more than ${DATAFILE_BYTES_MAX} bytes, and is not the body ${sha256.slice(0, 12)}…`,
    remedy: 'Restore the object from its versions, and see who writes to the bucket.',
    retryable: true,
    fields: { sdkKey },
  });

const missing = (sdkKey: SdkKey, key: string, cause?: unknown) =>
  new FanoutError({
    code: 'BODY_MISSING',
    message: `The manifest of ${sdkKey} names ${key}, which is not in the bucket`,
    remedy: 'Restore the object from its versions; bodies named by a manifest must never expire.',
    retryable: true,
    fields: { sdkKey },
    cause,
  });
