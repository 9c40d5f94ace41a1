// The datafiles of the CDN stand-in: the current revision of each SDK key and the one before. In a folder when one is given,
// since Optimizely forgets nothing when a local process is killed.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface CdnRevision {
  readonly body: Buffer;
  readonly etag: string;
  /** As in the header. */
  readonly lastModified: string;
}

export interface CdnFile {
  readonly current: CdnRevision;
  /** What a late edge still serves; forgotten by a restart. */
  readonly previous: CdnRevision | undefined;
}

export class CdnFiles {
  readonly #shelves = new Map<string, CdnFile>();
  readonly #dir: string | undefined;

  constructor(dir?: string) {
    this.#dir = dir;
    if (dir === undefined) return;
    mkdirSync(dir, { recursive: true });
    for (const name of readdirSync(dir)) {
      if (name.endsWith('.part')) continue;
      const bytes = readFileSync(join(dir, name));
      const end = bytes.indexOf(0x0a);
      const { sdkKey, lastModified } = JSON.parse(bytes.subarray(0, end).toString()) as Record<
        string,
        string
      >;
      if (sdkKey === undefined || lastModified === undefined)
        throw new Error(`${join(dir, name)} has no head`);
      const current = revisionOf(bytes.subarray(end + 1), lastModified);
      this.#shelves.set(sdkKey, { current, previous: undefined });
    }
  }

  get(sdkKey: string): CdnFile | undefined {
    return this.#shelves.get(sdkKey);
  }

  put(sdkKey: string, body: Buffer, lastModified: string): void {
    const current = revisionOf(body, lastModified);
    this.#shelves.set(sdkKey, { current, previous: this.#shelves.get(sdkKey)?.current });
    if (this.#dir === undefined) return;
    const file = join(this.#dir, createHash('sha256').update(sdkKey).digest('hex'));
    writeFileSync(
      `${file}.part`,
      Buffer.concat([Buffer.from(`${JSON.stringify({ sdkKey, lastModified })}\n`), body]),
    );
    renameSync(`${file}.part`, file);
  }
}

function revisionOf(body: Buffer, lastModified: string): CdnRevision {
  return { body, etag: `"${createHash('md5').update(body).digest('hex')}"`, lastModified };
}
