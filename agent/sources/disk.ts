// The cache that lets an agent serve at once after a restart with everything else down: one file per SDK key, a header
// line and the exact body. Never trusted blindly (hash checked), never fatal when it cannot be written.

import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock, Timer } from '../../core/clock.ts';
import { DATAFILE_BYTES_MAX } from '../../core/datafile.ts';
import { checkBody } from '../../core/envelope.ts';
import { FanoutError } from '../../core/errors.ts';
import { isChangeId, isLineage, isSeq, isSha256, parseRevision, type SdkKey } from '../../core/ids.ts';
import { encodeSdkKey } from '../../core/names.ts';
import type { DatafileMeta, Sink, Source } from './source.ts';

const CACHE_SCHEMA = 1;
const HEADER_BYTES_MAX = 4 * 1024;
const NEWLINE = 0x0a;
/** Readable by the agent's user alone: datafiles of secure environments are in here. */
const FILE_MODE = 0o600;
/** After a swap the processor belongs to requests; a cache may be this much behind. */
const WRITE_DELAY_MS = 500;

export interface CacheEntry extends DatafileMeta {
  readonly body: Uint8Array;
}

export interface DiskSourceOptions {
  readonly dir: string;
  readonly clock: Clock;
}

export class DiskSource implements Source {
  readonly name = 'disk';
  readonly #sink: Sink;
  readonly #dir: string;
  readonly #clock: Clock;
  readonly #waiting = new Map<SdkKey, CacheEntry>();
  #timer: Timer | null = null;
  #stopped = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(sink: Sink, { dir, clock }: DiskSourceOptions) {
    this.#sink = sink;
    this.#dir = dir;
    this.#clock = clock;
  }

  async watch(sdkKey: SdkKey): Promise<void> {
    const path = this.#path(sdkKey);
    try {
      const file = await readFile(path);
      if (this.#stopped) return;
      const { body, ...meta } = decodeEntry(file, sdkKey);
      const candidate = { ...meta, source: this.name, fromRecord: false, load: async () => body } as const;
      const outcome = await this.#sink.offer(candidate);
      if (outcome.kind === 'rejected') await this.#moveAside(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#sink.failed(this.name, sdkKey, error);
      if (error instanceof FanoutError) await this.#moveAside(path);
    }
  }

  unwatch(_sdkKey: SdkKey): void {
    // The file stays: it is what the next start serves.
  }

  /** Writes in a moment, and only the newest of each key: those that came before are not needed any more. */
  save(entry: CacheEntry): void {
    this.#waiting.set(entry.sdkKey, entry);
    this.#timer ??= this.#clock.after(WRITE_DELAY_MS, () => void this.#flush());
  }

  /** Writes what waits. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#flush();
  }

  #flush(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#writeWaiting());
    return this.#writing;
  }

  async #writeWaiting(): Promise<void> {
    for (const [sdkKey, entry] of this.#waiting) {
      this.#waiting.delete(sdkKey);
      try {
        await this.#write(entry);
      } catch (error) {
        this.#sink.failed(this.name, sdkKey, error);
      }
    }
  }

  async #write(entry: CacheEntry): Promise<void> {
    const path = this.#path(entry.sdkKey);
    const temporary = `${path}.${process.pid}.tmp`;
    await mkdir(this.#dir, { recursive: true });
    try {
      const file = await open(temporary, 'w', FILE_MODE);
      try {
        await file.writev([encodeHeader(entry), entry.body]);
        // Without it a power cut can leave the new name on an empty file.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {}); // The first error is the one to report.
      throw error;
    }
  }

  async #moveAside(path: string): Promise<void> {
    try {
      await rename(path, `${path}.damaged`);
    } catch (error) {
      this.#sink.failed(this.name, null, error);
    }
  }

  #path(sdkKey: SdkKey): string {
    return join(this.#dir, `${encodeSdkKey(sdkKey)}.datafile`);
  }
}

/** Field by field: what is saved carries a client and more beside its metadata. */
function encodeHeader(entry: CacheEntry): Uint8Array {
  const { sdkKey, lineage, seq, revision, sha256, changeId, receivedAtMs, lastModifiedMs } = entry;
  const meta = { sdkKey, lineage, seq, revision, sha256, changeId, receivedAtMs, lastModifiedMs };
  return Buffer.from(`${JSON.stringify({ schema: CACHE_SCHEMA, ...meta })}\n`);
}

/** @throws FanoutError BODY_CORRUPT when it is not a whole cache file of this key */
export function decodeEntry(file: Uint8Array, sdkKey: SdkKey): CacheEntry {
  const end = file.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE);
  const header = end < 0 ? null : parseHeader(file.subarray(0, end));
  const body = file.subarray(end + 1);
  if (header === null || body.byteLength > DATAFILE_BYTES_MAX)
    throw damaged(sdkKey, 'has no readable header');
  const { lineage, seq, revision, sha256, changeId, receivedAtMs, lastModifiedMs } = header;
  if (header.schema !== CACHE_SCHEMA || header.sdkKey !== sdkKey)
    throw damaged(sdkKey, 'is of another key or schema');
  if (!isLineage(lineage) || !isSeq(seq) || !isSha256(sha256) || !isChangeId(changeId))
    throw damaged(sdkKey, 'has a wrong header');
  if (typeof revision !== 'number' || parseRevision(revision) === null || typeof receivedAtMs !== 'number')
    throw damaged(sdkKey, 'has a wrong header');
  const modifiedMs = typeof lastModifiedMs === 'number' ? lastModifiedMs : null;
  const meta = { sdkKey, lineage, seq, revision, sha256, changeId, receivedAtMs, lastModifiedMs: modifiedMs };
  return { ...meta, body: checkBody(sha256, body) };
}

function parseHeader(line: Uint8Array): Partial<Record<keyof DatafileMeta | 'schema', unknown>> | null {
  try {
    const value: unknown = JSON.parse(Buffer.from(line).toString());
    return value !== null && typeof value === 'object' ? value : null;
  } catch {
    return null; // The caller says what that means.
  }
}

const damaged = (sdkKey: SdkKey, what: string) =>
  new FanoutError({
    code: 'BODY_CORRUPT',
    message: `The cache file of ${sdkKey} ${what}`,
    remedy: 'It was moved aside and will be written anew; check the disk if this repeats.',
    retryable: false,
    fields: { sdkKey },
  });
