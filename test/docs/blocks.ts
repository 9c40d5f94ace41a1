// The command blocks of the documents, each with what a comment above it says of running it. A block that says nothing is an
// error: either it is run by a test, or its page says why it cannot be.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT_DIR } from '../../infra/local/root.ts';

/**
 * Where a block runs: `agent` against one agent, with what it prints (examples.test.ts), `local` on the running stack of `npm run up`, `stage` on a deployment made of stand-ins (both by `npm test`),
 * `aws` against a moto server with the AWS CLI (by `npm run verify`).
 */
export const PLACES = ['agent', 'local', 'stage', 'aws'] as const;
export type Place = (typeof PLACES)[number];

export interface Block {
  readonly document: string;
  /** Of its first command, counted from 1. */
  readonly line: number;
  readonly text: string;
  /** Several where it is run in each. */
  readonly places: readonly string[];
  /** Why it is not run; empty where it is. */
  readonly reason: string;
}

const RUN = /^<!-- run: ([a-z, ]+) -->$/;
const NOT_RUN = /^<!-- not run: (.+) -->$/;
const WHOLE_PAGE_RUN = /^<!-- run, whole page: ([a-z]+) -->$/m;
const WHOLE_PAGE = /^<!-- not run, whole page: (.+) -->$/m;
const FENCE = /^```(sh|bash|shell|console)$/;

/** In the order in which a reader meets them: the page that deploys before the runbook that works on what is deployed. */
export function documents(): string[] {
  const below = (folder: string): string[] => {
    try {
      return readdirSync(join(ROOT_DIR, folder), { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(folder, name));
    } catch {
      return []; // There is no such folder.
    }
  };
  return ['README.md', 'CONTRIBUTING.md', ...below('docs'), ...below('infra')];
}

/** Those with blocks for a place. */
export const documentsWith = (place: Place): string[] =>
  documents().filter((document) => blocksOf(document).some(({ places }) => places.includes(place)));

export const blocksOf = (document: string): Block[] =>
  parseBlocks(document, readFileSync(join(ROOT_DIR, document), 'utf8'));

/** @param document its name, for messages */
export function parseBlocks(document: string, page: string): Block[] {
  const lines = page.split('\n');
  const [, ofPage = ''] = WHOLE_PAGE.exec(page) ?? [];
  const [, runOfPage = ''] = WHOLE_PAGE_RUN.exec(page) ?? [];
  return lines.flatMap((line, i) => {
    if (!FENCE.test(line.trim())) return [];
    const end = lines.findIndex((other, j) => j > i && other.trim() === '```');
    const above =
      lines
        .slice(0, i)
        .findLast((other) => other.trim() !== '')
        ?.trim() ?? '';
    const [, places = runOfPage] = RUN.exec(above) ?? [];
    const [, reason = ofPage] = NOT_RUN.exec(above) ?? [];
    const text = lines.slice(i + 1, end).join('\n');
    return [{ document, line: i + 2, text, places: places === '' ? [] : places.split(', '), reason }];
  });
}
