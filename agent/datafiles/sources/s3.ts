// Reads manifests and bodies from S3. The agent's only file that imports the AWS SDK, and only when first asked:
// loading it takes longer than serving the first decision from disk.

import { Readable } from 'node:stream';
import type { S3Client } from '@aws-sdk/client-s3';
import { DATAFILE_BYTES_MAX } from '../../../core/datafile/datafile.ts';
import { FanoutError, messageOf } from '../../../core/errors.ts';
import { ANSWER_BYTES_MAX, limited, readWithin } from '../../../core/http/read-within.ts';
import type { SdkKey, Sha256 } from '../../../core/ids.ts';
import { decodeManifest, MANIFEST_BYTES_MAX } from '../../../core/record/manifest-codec.ts';
import { bodyKey, manifestKey } from '../../../core/record/names.ts';
import { proxyAgentOptions } from '../../../io/proxy.ts';
import type { ManifestAnswer, RecordReader } from './record.ts';

const CONNECT_TIMEOUT_MS = 2_000;
const REQUEST_TIMEOUT_MS = 5_000;

export interface S3Settings {
  readonly bucket: string;
  /** Another S3 than Amazon's; addressed by path. */
  readonly endpoint?: string;
  readonly region?: string;
}

type Sdk = typeof import('@aws-sdk/client-s3');
/** What of the SDK is used here. */
export interface Loaded {
  readonly sdk: Pick<Sdk, 'GetObjectCommand'>;
  readonly client: Pick<S3Client, 'send' | 'destroy'>;
}

export class S3Reader implements RecordReader {
  readonly #settings: S3Settings;
  readonly #load: (settings: S3Settings) => Promise<Loaded>;
  #loading: Promise<Loaded> | null = null;

  /** @param load makes the client, when first asked */
  constructor(settings: S3Settings, load: (settings: S3Settings) => Promise<Loaded> = loadSdk) {
    this.#settings = settings;
    this.#load = load;
  }

  async readManifest(sdkKey: SdkKey, etag: string | null): Promise<ManifestAnswer> {
    const key = manifestKey(sdkKey);
    try {
      const tooLarge = () => this.#unavailable(key, new Error(`has more than ${MANIFEST_BYTES_MAX} bytes`));
      const { body, etag: newEtag } = await this.#get(key, MANIFEST_BYTES_MAX, etag, tooLarge);
      return { kind: 'manifest', manifest: decodeManifest(body, sdkKey), etag: newEtag };
    } catch (cause) {
      if (cause instanceof FanoutError) throw cause;
      // The SDK throws a 304 as an error named "Unknown": only its status tells.
      if (statusOf(cause) === 304) return { kind: 'unchanged' };
      if (statusOf(cause) === 404 && nameOf(cause) !== 'NoSuchBucket') return { kind: 'absent' };
      throw this.#unavailable(key, cause);
    }
  }

  async readBody(sdkKey: SdkKey, sha256: Sha256): Promise<Uint8Array> {
    const key = bodyKey(sdkKey, sha256);
    try {
      const tooLarge = () => tooLargeToBe(sha256, sdkKey, key);
      return (await this.#get(key, DATAFILE_BYTES_MAX, null, tooLarge)).body;
    } catch (cause) {
      if (cause instanceof FanoutError) throw cause;
      // Without s3:ListBucket a missing body is a 403; the manifest beside it could be read.
      if (statusOf(cause) === 404 || statusOf(cause) === 403) throw missing(sdkKey, key, cause);
      throw this.#unavailable(key, cause);
    }
  }

  close(): void {
    this.#loading?.then(
      ({ client }) => client.destroy(),
      () => {}, // It never came to be; whoever asked has had the error.
    );
  }

  async #get(
    key: string,
    bytesMax: number,
    etag: string | null,
    tooLarge: () => FanoutError,
  ): Promise<{ body: Uint8Array; etag: string }> {
    this.#loading ??= this.#load(this.#settings);
    const { sdk, client } = await this.#loading;
    const condition = etag === null ? {} : { IfNoneMatch: etag };
    const command = new sdk.GetObjectCommand({ Bucket: this.#settings.bucket, Key: key, ...condition });
    const answer = await client.send(command, { abortSignal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const pieces = answer.Body as Readable | undefined;
    const body = await readWithin(pieces, bytesMax, tooLarge);
    return { body, etag: answer.ETag ?? '' };
  }

  #unavailable(key: string, cause: unknown): FanoutError {
    const { bucket } = this.#settings;
    return new FanoutError({
      code: 'RECORD_UNAVAILABLE',
      message: `S3 did not give s3://${bucket}/${key}: ${nameOf(cause)} ${messageOf(cause)}`.slice(0, 400),
      remedy: 'Check FANOUT_BUCKET, the region and that the role may s3:GetObject on datafiles/*.',
      retryable: true,
      cause,
    });
  }
}

async function loadSdk({ endpoint, region }: S3Settings): Promise<Loaded> {
  const sdk = await import('@aws-sdk/client-s3');
  const proxy = proxyAgentOptions(endpoint === undefined ? undefined : (URL.parse(endpoint) ?? undefined));
  const client = new sdk.S3Client({
    // The caller repeats with its own backoff.
    maxAttempts: 1,
    requestHandler: {
      ...{ connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
      // The SDK makes agents of its own of these.
      ...{ httpAgent: proxy, httpsAgent: proxy },
    },
    // Bodies are checked by their SHA-256, which is stronger and already paid for.
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint, forcePathStyle: true }),
  });
  limitErrors(client);
  return { sdk, client };
}

/** The SDK reads an error's text whole and without a limit. */
function limitErrors(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const answer = result.response as { statusCode: number; body?: Readable };
      if (answer.body !== undefined && answer.statusCode >= 300)
        answer.body = Readable.from(limited(answer.body, ANSWER_BYTES_MAX, longError));
      return result;
    },
    // Nearest to the connection, below what reads the answer.
    { step: 'deserialize', priority: 'low', name: 'limitErrors' },
  );
}

const longError = () => new Error(`S3 answered an error of more than ${ANSWER_BYTES_MAX} bytes`);

const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'Error');

/** No datafile is that large, so it is not the one that the manifest names. */
const tooLargeToBe = (sha256: Sha256, sdkKey: SdkKey, key: string) =>
  new FanoutError({
    code: 'BODY_CORRUPT',
    message: `${key} has more than ${DATAFILE_BYTES_MAX} bytes, and is not the body ${sha256.slice(0, 12)}…`,
    remedy: 'Restore the object from its versions, and see who writes to the bucket.',
    retryable: true,
    fields: { sdkKey },
  });

const missing = (sdkKey: SdkKey, key: string, cause: unknown) =>
  new FanoutError({
    code: 'BODY_MISSING',
    message: `The manifest of ${sdkKey} names ${key}, which is not in the bucket`,
    remedy: 'Restore the object from its versions; bodies named by a manifest must never expire.',
    retryable: true,
    fields: { sdkKey },
    cause,
  });
