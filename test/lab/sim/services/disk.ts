// One machine's disk under an agent's cache: a rename is atomic, a write is not, and what was not synced may be gone after a
// power cut. Outlives the processes that write to it.

import type { CacheFiles } from '../../../../agent/datafiles/sources/disk.ts';
import type { Actor } from '../actors/actor.ts';
import type { Weather } from '../actors/weather.ts';
import { flip } from './s3-client.ts';

interface File {
  bytes: Uint8Array;
  synced: boolean;
}

export class Disk {
  readonly files = new Map<string, File>();
  /** Called with the name of a file that has other bytes now. */
  onRenamed: (to: string, bytes: Uint8Array) => void = () => {};
  onReplaced: () => void = () => {};
  onRotten: (path: string) => void = () => {};
  /** The process dies in the middle of a write. */
  crash: () => void = () => {};
  readonly #weather: Weather;

  constructor(weather: Weather) {
    this.#weather = weather;
  }

  /** The file calls of one process. */
  for(actor: Actor): CacheFiles {
    const step = <T>(what: string, serve: () => T): Promise<T> => {
      const { dice } = actor.world;
      if (this.#weather.hits('disk-errors', actor.name) && what !== 'rm')
        return actor.call(1, 1, () => {
          actor.note(`disk: ${what} failed`);
          throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        });
      return actor.call(dice.int(0, 2), dice.int(0, 2), serve);
    };
    return {
      mkdir: () => step('mkdir', () => undefined),
      readFileWithin: (path) => step('read', () => this.#read(path)),
      open: (path) =>
        step('open', () => {
          const file = { bytes: new Uint8Array(0), synced: false };
          this.files.set(path, file);
          return this.#handle(file, actor, step);
        }),
      rename: (from, to) => step('rename', () => this.#rename(from, to)),
      rm: (path) => step('rm', () => void this.files.delete(path)),
    };
  }

  /** Cuts the bytes that were not synced at a random point, or keeps all of them. */
  cutPower(cutShare: () => number): void {
    for (const file of this.files.values()) {
      if (file.synced) continue;
      file.bytes = file.bytes.subarray(0, Math.floor(file.bytes.byteLength * cutShare()));
      file.synced = true;
    }
  }

  /** Changes one byte of each cache file. */
  rot(at: () => number): void {
    for (const [path, file] of this.files)
      if (file.bytes.byteLength > 0 && path.endsWith('.datafile')) {
        file.bytes = flip(file.bytes, Math.floor(file.bytes.byteLength * at()));
        this.onRotten(path);
      }
  }

  /** Empties the disk, as on another machine. */
  replace(): void {
    this.files.clear();
    this.onReplaced();
  }

  #read(path: string): Uint8Array {
    const file = this.files.get(path);
    if (file === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    return file.bytes;
  }

  #rename(from: string, to: string): void {
    const file = this.files.get(from);
    if (file === undefined) throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
    this.files.delete(from);
    this.files.set(to, file);
    this.onRenamed(to, file.bytes);
  }

  #handle(file: File, actor: Actor, step: <T>(what: string, serve: () => T) => Promise<T>) {
    return {
      writev: async (parts: readonly Uint8Array[]) => {
        const whole = Buffer.concat(parts);
        await step('write', () => {
          file.bytes = whole.subarray(0, whole.byteLength >> 1);
        });
        if (this.#weather.hits('disk-crash', actor.name)) this.crash();
        await step('write', () => {
          file.bytes = whole;
        });
      },
      sync: () =>
        step('sync', () => {
          file.synced = true;
        }),
      close: () => step('close', () => undefined),
    };
  }
}
