// What a bundle was made of, kept beside the bundles, so that `npm run up` and the tests build only what has changed: files
// by size and time of change, almost as make does, and the build's own rules.

import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** Path relative to the root folder → `bytes ctimeMs`: npm gives all files of all packages the same mtime. */
type Files = Readonly<Record<string, string>>;

interface CachedSecret<T> {
  readonly rules: string;
  readonly files: Files;
  readonly result: T;
}

export interface KeptBuildOptions {
  readonly rootDir: string;
  readonly name: string;
  /** Further inputs of the bundle; compared as a whole. */
  readonly rules: unknown;
}

/** What the last build said, when no file that it read or wrote has changed since; else null. */
export async function readKept<T>({ rootDir, name, rules }: KeptBuildOptions): Promise<T | null> {
  let kept: CachedSecret<T>;
  try {
    kept = JSON.parse(await readFile(pathOf(rootDir, name), 'utf8'));
  } catch {
    return null; // Never built, or half a file: building again is right for both.
  }
  if (kept.rules !== hashOf(rules)) return null;
  const now = await lookAt(rootDir, Object.keys(kept.files));
  return Object.entries(kept.files).every(([path, seen]) => now[path] === seen) ? kept.result : null;
}

/** @param paths of all files that were read or written, relative to the root folder */
export async function writeKept<T>(
  { rootDir, name, rules }: KeptBuildOptions,
  paths: readonly string[],
  result: T,
): Promise<void> {
  const kept: CachedSecret<T> = { rules: hashOf(rules), files: await lookAt(rootDir, paths), result };
  const path = pathOf(rootDir, name);
  const temporary = `${path}.${process.pid}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  await writeFile(temporary, JSON.stringify(kept));
  await rename(temporary, path);
}

const pathOf = (rootDir: string, name: string): string => join(rootDir, 'dist/kept', `${name}.json`);

const hashOf = (rules: unknown): string => createHash('sha256').update(JSON.stringify(rules)).digest('hex');

async function lookAt(rootDir: string, paths: readonly string[]): Promise<Files> {
  const look = async (path: string) => {
    try {
      const { size, ctimeMs } = await stat(join(rootDir, path));
      return [path, `${size} ${ctimeMs}`] as const;
    } catch {
      return [path, 'gone'] as const;
    }
  };
  return Object.fromEntries(await Promise.all(paths.map(look)));
}
