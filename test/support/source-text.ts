// The text of everything that runs in production, for tests that hold a page or a template to what the code really says.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** All sources of a folder as one text. */
export function sourceText(...folders: string[]): string {
  const files = folders.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => join(ROOT, folder, name)),
  );
  return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}

/** Everything in a text that is written like the event of a log line. */
export const loggedEvents = (text: string): Set<string> =>
  new Set([...text.matchAll(/'([a-z]+\.[a-z-]+)'/g)].map((match) => match[1] as string));
