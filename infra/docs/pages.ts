// The parts of the documents that programs know better than people: each stands between two comments of its page, and is
// written anew from what it describes. Knows the comments, and nothing of what is written.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT_DIR } from '../local/root.ts';

/** By the name that the page gives the part. The text ends without a line break. */
export type Writers = Readonly<Record<string, () => string | Promise<string>>>;

const PART = /(<!-- generated: ([a-z-]+) -->\n)[\s\S]*?(<!-- end of generated part -->)/g;
const FOLDERS = ['docs', 'infra', 'test'];

/** Every page of the project, by its path in the checkout. */
export function allPages(): string[] {
  const pagesIn = (folder: string, recursive: boolean): string[] =>
    readdirSync(join(ROOT_DIR, folder), { recursive, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md'))
      .map((name) => join(folder, name));
  return [...pagesIn('.', false), ...FOLDERS.flatMap((folder) => pagesIn(folder, true))].sort();
}

export const readPage = (path: string): string => readFileSync(join(ROOT_DIR, path), 'utf8');

/** Names of the generated parts of a page, in order. */
export const partsOf = (page: string): string[] => [...page.matchAll(PART)].map(([, , name = '']) => name);

/**
 * The page with its generated parts as they should be now.
 * @throws Error for a part that has no writer
 */
export async function writtenAnew(page: string, writers: Writers): Promise<string> {
  const texts = new Map<string, string>();
  for (const name of partsOf(page)) {
    const write = writers[name];
    if (write === undefined) throw new Error(`No generated part is called "${name}".`);
    texts.set(name, await write());
  }
  return page.replaceAll(
    PART,
    (_, start: string, name: string, end: string) => `${start}\n${texts.get(name)}\n\n${end}`,
  );
}
