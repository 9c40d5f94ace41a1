// The cache that lets an agent serve at once after a restart with everything else down: one file per SDK key, a header
// line and the exact body. Never trusted blindly (hash checked), never fatal when it cannot be written.

import * as fs from 'node:fs/promises';
import { join } from 'node:path';
import { checkBody } from '../../../core/bus/envelope.ts';
import type { Clock, Timer } from '../../../core/clock.ts';
import { DATAFILE_BYTES_MAX } from '../../../core/datafile/datafile.ts';
import { parseJsonWithin } from '../../../core/datafile/json-depth.ts';
import { FanoutError } from '../../../core/errors.ts';
import {
  isChangeId,
  isLineage,
  isSeq,
  isSha256,
  parseRevision,
  type SdkKey,
  sha256Of,
} from '../../../core/ids.ts';
import { encodeSdkKey } from '../../../core/record/names.ts';
import { SIGNATURE_CHARACTERS_MAX } from '../../../core/record/signature.ts';
import { readFileWithin, UnusableFile } from '../../../io/regular-file.ts';
import type { DatafileMeta, Sink, Source } from './source.ts';

const CACHE_SCHEMA = 2;
/** Written before headers had a sum; still read. */
const CACHE_SCHEMA_UNSUMMED = 1;
const HEADER_BYTES_MAX = 4 * 1024;
const FILE_BYTES_MAX = HEADER_BYTES_MAX + DATAFILE_BYTES_MAX;
const NEWLINE = 0x0a;
/** Readable by the agent's user alone: datafiles of secure environments are in here. */
const FILE_MODE = 0o600;
/** After a swap the processor belongs to requests; a cache may be this much behind. */
const WRITE_DELAY_MS = 500;
/** A file that could not be judged is offered again after this. */
const OFFER_AGAIN_MS = 1_000;

export interface CacheEntry extends DatafileMeta {
  readonly body: Uint8Array;
}

/** The operations on files; the names are those of node:fs/promises where it has them. */
export interface CacheFiles {
  mkdir(path: string, options: { recursive: true }): Promise<unknown>;
  readFileWithin(path: string, bytesMax: number): Promise<Uint8Array>;
  open(
    path: string,
    flags: 'w',
    mode: number,
  ): Promise<{
    writev(parts: readonly Uint8Array[]): Promise<unknown>;
    sync(): Promise<void>;
    close(): Promise<void>;
  }>;
  rename(from: string, to: string): Promise<void>;
  rm(path: string, options: { force: true }): Promise<void>;
}

export interface DiskSourceOptions {
  readonly dir: string;
  readonly clock: Clock;
  /** Told of each save whether it worked. */
  readonly onSaved?: ((worked: boolean) => void) | undefined;
  /** Instead of the real ones. */
  readonly files?: CacheFiles | undefined;
}

export class DiskSource implements Source {
  readonly name = 'disk';
  readonly #sink: Sink;
  readonly #dir: string;
  readonly #files: CacheFiles;
  readonly #clock: Clock;
  readonly #onSaved: DiskSourceOptions['onSaved'];
  readonly #waiting = new Map<SdkKey, CacheEntry>();
  readonly #again = new Map<SdkKey, Timer>();
  #timer: Timer | null = null;
  #stopped = false;
  #writing: Promise<void> = Promise.resolve();
  #reading: Promise<unknown> = Promise.resolve();

  constructor(sink: Sink, { dir, clock, onSaved, files = { ...fs, readFileWithin } }: DiskSourceOptions) {
    this.#onSaved = onSaved;
    this.#sink = sink;
    this.#files = files;
    this.#dir = dir;
    this.#clock = clock;
  }

  async watch(sdkKey: SdkKey): Promise<void> {
    const path = this.#path(sdkKey);
    try {
      const file = await this.#read(sdkKey, path);
      if (this.#stopped) return;
      const { body, ...meta } = decodeEntry(file, sdkKey);
      const candidate = { ...meta, source: this.name, fromRecord: false, load: async () => body } as const;
      const outcome = await this.#sink.offer(candidate);
      if (outcome.kind !== 'rejected') return;
      if (outcome.final) await this.#moveAside(path);
      else this.#watchAgain(sdkKey);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      this.#sink.failed(this.name, sdkKey, error);
      if (error instanceof FanoutError) await this.#moveAside(path);
    }
  }

  unwatch(sdkKey: SdkKey): void {
    // The file stays: the next start serves it.
    this.#again.get(sdkKey)?.cancel();
    this.#again.delete(sdkKey);
  }

  /** Writes in a moment, and only the newest of each key: those that came before are not needed any more. */
  save(entry: CacheEntry): void {
    this.#waiting.set(entry.sdkKey, entry);
    this.#timer ??= this.#clock.after(WRITE_DELAY_MS, () => void this.#flush());
  }

  /** Writes what waits. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const sdkKey of [...this.#again.keys()]) this.unwatch(sdkKey);
    await this.#flush();
  }

  /** It was not the file's fault: no worker could look at it yet. */
  #watchAgain(sdkKey: SdkKey): void {
    this.#again.get(sdkKey)?.cancel();
    this.#again.set(
      sdkKey,
      this.#clock.after(OFFER_AGAIN_MS, () => void this.watch(sdkKey)),
    );
  }

  /** One at a time: a disk that hangs holds one of the few threads that files and names of hosts are looked up with, not all. */
  #read(sdkKey: SdkKey, path: string): Promise<Uint8Array> {
    const file = this.#reading.then(() => this.#files.readFileWithin(path, FILE_BYTES_MAX));
    this.#reading = file.catch(() => {}); // The caller is told.
    return file.catch((error) => {
      throw error instanceof UnusableFile ? damaged(sdkKey, error.message) : error;
    });
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
        this.#onSaved?.(true);
      } catch (error) {
        this.#onSaved?.(false);
        this.#sink.failed(this.name, sdkKey, error);
      }
    }
  }

  async #write(entry: CacheEntry): Promise<void> {
    const path = this.#path(entry.sdkKey);
    const temporary = `${path}.${process.pid}.tmp`;
    await this.#files.mkdir(this.#dir, { recursive: true });
    try {
      const file = await this.#files.open(temporary, 'w', FILE_MODE);
      try {
        await file.writev([encodeHeader(entry), entry.body]);
        // Without it a power cut can leave the new name on an empty file.
        await file.sync();
      } finally {
        await file.close();
      }
      await this.#files.rename(temporary, path);
    } catch (error) {
      await this.#files.rm(temporary, { force: true }).catch(() => {}); // The first error is the one to report.
      throw error;
    }
  }

  async #moveAside(path: string): Promise<void> {
    try {
      await this.#files.rename(path, `${path}.damaged`);
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
  const { signature } = entry;
  const meta = { sdkKey, lineage, seq, revision, sha256, changeId, receivedAtMs, lastModifiedMs, signature };
  const fields = { schema: CACHE_SCHEMA, ...meta };
  return Buffer.from(`${JSON.stringify({ ...fields, sum: sumOf(fields) })}\n`);
}

/** @throws FanoutError BODY_CORRUPT when it is not a whole cache file of this key */
export function decodeEntry(file: Uint8Array, sdkKey: SdkKey): CacheEntry {
  const end = file.subarray(0, HEADER_BYTES_MAX).indexOf(NEWLINE);
  const header = end < 0 ? null : parseHeader(file.subarray(0, end));
  const body = file.subarray(end + 1);
  if (header === null || body.byteLength > DATAFILE_BYTES_MAX)
    throw damaged(sdkKey, 'has no readable header');
  if (!isIntact(header)) throw damaged(sdkKey, 'has a header that was changed');
  const { lineage, seq, revision, sha256, changeId, receivedAtMs, lastModifiedMs } = header;
  const isKnown = header.schema === CACHE_SCHEMA || header.schema === CACHE_SCHEMA_UNSUMMED;
  if (!isKnown || header.sdkKey !== sdkKey) throw damaged(sdkKey, 'is of another key or schema');
  if (!isLineage(lineage) || !isSeq(seq) || !isSha256(sha256) || !isChangeId(changeId))
    throw damaged(sdkKey, 'has a wrong header');
  if (typeof revision !== 'number' || parseRevision(revision) === null || typeof receivedAtMs !== 'number')
    throw damaged(sdkKey, 'has a wrong header');
  const modifiedMs = typeof lastModifiedMs === 'number' ? lastModifiedMs : null;
  const meta = { sdkKey, lineage, seq, revision, sha256, changeId, receivedAtMs, lastModifiedMs: modifiedMs };
  const { signature } = header;
  const signed = typeof signature === 'string' && { signature: signature.slice(0, SIGNATURE_CHARACTERS_MAX) };
  return { ...meta, ...signed, body: checkBody(sha256, body) };
}

type Header = Partial<Record<keyof DatafileMeta | 'schema' | 'sum', unknown>>;

/** The body has its hash in the header; a wrong seq would hide every version below it, so the header has one too. */
const sumOf = (fields: object): string => sha256Of(Buffer.from(JSON.stringify(fields)));

/** By its schema: a sum that has become unreadable must not count as one that was never there. */
function isIntact({ sum, ...fields }: Header): boolean {
  return (fields.schema === CACHE_SCHEMA_UNSUMMED && sum === undefined) || sum === sumOf(fields);
}

function parseHeader(line: Uint8Array): Header | null {
  try {
    const value = parseJsonWithin(line);
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
