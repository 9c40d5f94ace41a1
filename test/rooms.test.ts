// The rooms of the code base are a test: folders stay small, files are imported by something, and imports never go in a circle.

import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, normalize, relative } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
/** What a reader takes in at one look at `ls`. */
const FOLDER_FILES_MAX = 16;

const FOLDERS = ['core', 'io', 'functions', 'agent', 'infra', 'test', 'docs'];
const TOP = ['package.json', 'vitest.config.ts', 'serverless.yml'];

const files = FOLDERS.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name))),
);
const textOf = new Map(
  [...TOP, ...files]
    .filter(
      (path) => /\.(ts|mjs|cjs|json|ya?ml)$|Dockerfile/.test(path) && !path.startsWith('test/fixtures/'),
    )
    .map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
);
const sources = [...textOf.keys()].filter((path) => /\.(ts|mjs)$/.test(path));
const importsOf = new Map(sources.map((path) => [path, importsIn(path)]));

/** Of types too: a reader follows them as well. */
function importsIn(path: string): string[] {
  const found = (textOf.get(path) ?? '').matchAll(
    /(?:\bfrom|\bimport\()\s*'(\.[^']*)'|^import '(\.[^']*)'/gm,
  );
  return [...found].map((match) => normalize(join(dirname(path), match[1] ?? match[2] ?? '')));
}

/** Depth first; a file that is met again on its own way closes a circle. */
function circles(): string[] {
  const found: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) found.push([...way.slice(at), path].join(' → '));
    if (at >= 0 || done.has(path)) return;
    for (const next of importsOf.get(path) ?? []) walk(next, [...way, path]);
    done.add(path);
  };
  for (const path of sources) walk(path, []);
  return found;
}

it('no folder has more files than a reader takes in at one look', () => {
  const counts = new Map<string, number>();
  for (const path of files.filter((one) => !one.startsWith('docs/')))
    counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1);
  expect([...counts].filter(([, count]) => count > FOLDER_FILES_MAX)).toEqual([]);
});

it('no import goes in a circle, those of types included', () => {
  expect(circles()).toEqual([]);
});

it('every source file is imported, named by another file, or an entry that is run by its name', () => {
  const imported = new Set([...importsOf.values()].flat());
  // Threads, child processes, bundles and npm scripts name their file in a text.
  const isNamed = (path: string): boolean =>
    [...textOf].some(([other, text]) => other !== path && text.includes(basename(path)));
  const unused = sources.filter(
    (path) =>
      !imported.has(path) &&
      !/\.test\.ts$|^vitest\.config\.ts$|^functions\/\w+\/handler\.ts$/.test(path) &&
      !isNamed(path),
  );
  expect(unused).toEqual([]);
});
