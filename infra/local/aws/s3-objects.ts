// The objects of the S3 stand-in and the rule of its conditional writes: the write that finishes first wins.
// In memory, and in a folder when one is given, so that a killed stand-in comes back with what it had.
// Knows nothing of HTTP and XML.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  /** Quoted MD5, as S3 writes it for a plain PUT. */
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** Headers that are given back as they came: content-type, x-amz-meta-*, x-amz-checksum-*. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WriteCondition {
  readonly ifMatch?: string | undefined;
  /** S3 takes only `*` on PUT. */
  readonly ifNoneMatch?: string | undefined;
}

/** `conflict` is S3's 409 ConditionalRequestConflict, `failed` its 412, `missing` the 404 of If-Match on nothing. */
export type WriteOutcome = 'stored' | 'failed' | 'conflict' | 'missing';

/** A write between its first and its last byte. */
export interface WriteInProgress {
  readonly bucket: string;
  readonly key: string;
  readonly condition: WriteCondition;
  readonly changesAtStart: number;
  readonly heldAtStart: boolean;
}

export class ObjectStore {
  readonly #buckets = new Map<string, Map<string, StoredObject>>();
  /** How often each object was written or deleted; tells whether anything happened during an upload. */
  readonly #changes = new Map<string, number>();
  readonly #dir: string | undefined;

  constructor(dir?: string) {
    this.#dir = dir;
    if (dir !== undefined) this.#load(dir);
  }

  hasBucket(bucket: string): boolean {
    return this.#buckets.has(bucket);
  }

  createBucket(bucket: string): void {
    if (this.#buckets.has(bucket)) return;
    this.#buckets.set(bucket, new Map());
    if (this.#dir !== undefined) mkdirSync(join(this.#dir, bucket), { recursive: true });
  }

  get(bucket: string, key: string): StoredObject | undefined {
    return this.#buckets.get(bucket)?.get(key);
  }

  /** Objects in the order of their keys' UTF-8 bytes, as S3 lists them. */
  sorted(bucket: string): StoredObject[] {
    const objects = [...(this.#buckets.get(bucket)?.values() ?? [])];
    return objects.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
  }

  beginWrite(bucket: string, key: string, condition: WriteCondition): WriteInProgress {
    const heldAtStart = this.#check(bucket, key, condition) === 'stored';
    return { bucket, key, condition, changesAtStart: this.#changesOf(bucket, key), heldAtStart };
  }

  /**
   * Stores the object when the write's condition still holds. A condition that held when the upload began and
   * was broken during it is a conflict (409, "a conflicting operation occurs during the upload"), one that never
   * held has failed (412): docs.aws.amazon.com, PutObject, If-Match and If-None-Match.
   */
  finishWrite(write: WriteInProgress, object: Omit<StoredObject, 'key' | 'etag'>): WriteOutcome {
    const { bucket, key } = write;
    const outcome = this.#check(bucket, key, write.condition);
    if (outcome !== 'stored') {
      const changedMeanwhile = this.#changesOf(bucket, key) !== write.changesAtStart;
      return write.heldAtStart && changedMeanwhile ? 'conflict' : outcome;
    }
    const stored = { ...object, key, etag: etagOf(object.body) };
    this.#persist(bucket, stored);
    this.#buckets.get(bucket)?.set(key, stored);
    this.#touch(bucket, key);
    return 'stored';
  }

  delete(bucket: string, key: string): void {
    if (this.#buckets.get(bucket)?.delete(key) !== true) return;
    this.#touch(bucket, key);
    if (this.#dir !== undefined) rmSync(fileOf(this.#dir, bucket, key), { force: true });
  }

  #check(bucket: string, key: string, condition: WriteCondition): 'stored' | 'failed' | 'missing' {
    const current = this.get(bucket, key);
    if (condition.ifNoneMatch !== undefined && current !== undefined) return 'failed';
    if (condition.ifMatch === undefined) return 'stored';
    if (current === undefined) return 'missing';
    return unquoted(condition.ifMatch) === unquoted(current.etag) ? 'stored' : 'failed';
  }

  #changesOf(bucket: string, key: string): number {
    return this.#changes.get(`${bucket}/${key}`) ?? 0;
  }

  #touch(bucket: string, key: string): void {
    this.#changes.set(`${bucket}/${key}`, this.#changesOf(bucket, key) + 1);
  }

  /** One file holds headers and body, and is renamed into place: a kill leaves the old object or the new one. */
  #persist(bucket: string, object: StoredObject): void {
    if (this.#dir === undefined) return;
    const file = fileOf(this.#dir, bucket, object.key);
    const { body, ...head } = object;
    writeFileSync(`${file}.part`, Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), body]));
    renameSync(`${file}.part`, file);
  }

  #load(dir: string): void {
    mkdirSync(dir, { recursive: true });
    for (const bucket of readdirSync(dir)) {
      const objects = new Map<string, StoredObject>();
      for (const name of readdirSync(join(dir, bucket))) {
        if (name.endsWith('.part')) continue;
        const bytes = readFileSync(join(dir, bucket, name));
        const end = bytes.indexOf(0x0a);
        const head = JSON.parse(bytes.subarray(0, end).toString()) as Omit<StoredObject, 'body'>;
        objects.set(head.key, { ...head, body: bytes.subarray(end + 1) });
      }
      this.#buckets.set(bucket, objects);
    }
  }
}

export const etagOf = (body: Uint8Array): string => `"${createHash('md5').update(body).digest('hex')}"`;

export const unquoted = (etag: string): string => etag.replace(/^"|"$/g, '');

/** Keys may be longer than a file name may be, so the name is a hash and the key is in the file. */
const fileOf = (dir: string, bucket: string, key: string): string =>
  join(dir, bucket, createHash('sha256').update(key).digest('hex'));
