// The bucket itself: objects, ETags and conditional writes as S3 has them. Every write is shown to the checks. Knows
// nothing of answers that are lost on the way.

import { createHash } from 'node:crypto';

export interface Stored {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

export interface Condition {
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: string | undefined;
}

/** What the AWS SDK throws: a name and a status. */
export class S3Error extends Error {
  readonly $metadata: { readonly httpStatusCode?: number };

  constructor(name: string, status?: number) {
    super(name);
    this.name = name;
    this.$metadata = status === undefined ? {} : { httpStatusCode: status };
  }
}

export type OnWrite = (key: string, bytes: Uint8Array, before: Stored | null, by: string) => void;

export class S3Store {
  readonly objects = new Map<string, Stored>();
  readonly #onWrite: OnWrite;

  constructor(onWrite: OnWrite) {
    this.#onWrite = onWrite;
  }

  /** @throws S3Error 304, 404 */
  get(key: string, ifNoneMatch: string | undefined): Stored {
    const stored = this.objects.get(key);
    if (stored === undefined) throw new S3Error('NoSuchKey', 404);
    // The SDK has no name for a 304.
    if (ifNoneMatch === stored.etag) throw new S3Error('Unknown', 304);
    return stored;
  }

  /** @throws S3Error 404, 412 */
  put(key: string, bytes: Uint8Array, { ifMatch, ifNoneMatch }: Condition, by: string): Stored {
    const before = this.objects.get(key) ?? null;
    if (ifMatch !== undefined && before === null) throw new S3Error('NoSuchKey', 404);
    if (ifMatch !== undefined && before?.etag !== ifMatch) throw new S3Error('PreconditionFailed', 412);
    if (ifNoneMatch === '*' && before !== null) throw new S3Error('PreconditionFailed', 412);
    const stored = { bytes: Uint8Array.from(bytes), etag: etagOf(bytes) };
    this.objects.set(key, stored);
    this.#onWrite(key, stored.bytes, before, by);
    return stored;
  }

  /** An operator puts an older version back, on no condition. */
  restore(key: string, bytes: Uint8Array): void {
    this.objects.set(key, { bytes, etag: etagOf(bytes) });
  }
}

/** As S3 has it: the same bytes have the same ETag, also after other bytes. */
const etagOf = (bytes: Uint8Array): string => `"${createHash('md5').update(bytes).digest('hex')}"`;
