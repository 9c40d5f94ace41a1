// Which process owns which event files. Each process writes into a folder of its own under one root. The first process that
// finds the folder of a dead one takes it over, so agents may share a volume. Does not know what is in the files.

import { mkdir, readdir, rename, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';

/** An owner that may be on another machine counts as dead when it has not shown itself for this long. */
export const OWNER_DEAD_AFTER_MS = 120_000;
export const OWNER_BEAT_MS = 30_000;
/** Events tell of users: for the agent's own user alone. */
const DIR_MODE = 0o700;
const FREE_PREFIX = 'free.';
const FILE_PATTERN = /\.events$/;

export interface Owner {
  readonly host: string;
  readonly pid: number;
}

export interface FoundFile {
  readonly path: string;
  readonly bytes: number;
}

export class EventsFolder {
  readonly #root: string;
  readonly #owner: Owner;
  readonly #name: string;
  readonly #nowMs: () => number;
  #made = false;

  constructor(root: string, owner: Owner, nowMs: () => number) {
    this.#root = root;
    this.#owner = owner;
    this.#name = nameOf(owner);
    this.#nowMs = nowMs;
  }

  /** Path for a new file; names sort by age, and no two owners choose the same. */
  pathOf(startedAtMs: number, number: number): string {
    return join(this.#own, `${startedAtMs}-${String(number).padStart(8, '0')}-${this.#name}.events`);
  }

  /** To be called before the first file is written. */
  async make(): Promise<void> {
    if (this.#made) return;
    await mkdir(this.#own, { recursive: true, mode: DIR_MODE });
    this.#made = true;
  }

  /** Files of an earlier life under the same name. */
  left(): Promise<FoundFile[]> {
    return this.#files(this.#own);
  }

  /** Takes over the files of owners that are gone; returns them under their new paths, oldest first. */
  async adopt(): Promise<FoundFile[]> {
    const adopted: FoundFile[] = [];
    for (const name of await namesIn(this.#root)) {
      const dir = join(this.#root, name);
      if (name === this.#name || !(await this.#isAbandoned(name, dir))) continue;
      const files = await this.#files(dir);
      if (files.length > 0) await this.make();
      for (const file of files) {
        const path = join(this.#own, file.path.slice(dir.length + 1));
        if (await moved(() => rename(file.path, path))) adopted.push({ ...file, path });
      }
      await moved(() => rmdir(dir));
    }
    return adopted.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Shows that the owner lives. */
  async beat(): Promise<void> {
    const now = this.#nowMs() / 1000;
    if (this.#made) await utimes(this.#own, now, now);
  }

  /** Leaves only files with events still to be sent, which any other process may take over. */
  async leave(): Promise<void> {
    if ((await namesIn(this.#own)).length > 0)
      await moved(() => rename(this.#own, join(this.#root, FREE_PREFIX + this.#name)));
    else await moved(() => rmdir(this.#own));
    await moved(() => rmdir(this.#root));
    this.#made = false;
  }

  get #own(): string {
    return join(this.#root, this.#name);
  }

  async #isAbandoned(name: string, dir: string): Promise<boolean> {
    if (name.startsWith(FREE_PREFIX)) return true;
    const { mtimeMs } = await stat(dir);
    if (this.#nowMs() - mtimeMs > OWNER_DEAD_AFTER_MS) return true;
    const pid = Number(name.slice(name.lastIndexOf('~') + 1));
    return name === nameOf({ host: this.#owner.host, pid }) && !isAlive(pid);
  }

  async #files(dir: string): Promise<FoundFile[]> {
    const paths = (await namesIn(dir)).filter((name) => FILE_PATTERN.test(name)).sort();
    return Promise.all(
      paths.map(async (name) => ({ path: join(dir, name), bytes: (await stat(join(dir, name))).size })),
    );
  }
}

const nameOf = ({ host, pid }: Owner): string => `${encodeURIComponent(host)}~${pid}`;

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** False where the folder is gone or cannot be moved: another process took it, or it is not empty. */
async function moved(move: () => Promise<void>): Promise<boolean> {
  try {
    await move();
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(code)) return false;
    throw error;
  }
}

/** Signal 0 only checks that the process exists; EPERM means that it exists and belongs to another user. */
function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
