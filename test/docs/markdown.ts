// What tests want to know of a page: its links, its headings, its tables and what it sets in code.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

export const readPage = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const withoutFences = (text: string): string => text.replaceAll(/^```.*?^```$/gms, '');

/** Targets of links, in order. */
export const linksIn = (text: string): string[] =>
  [...withoutFences(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);

/** Headings as GitHub names them in addresses. */
export const anchorsIn = (text: string): string[] =>
  [...withoutFences(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

export interface Block {
  /** As its fence says; empty where it does not. */
  readonly language: string;
  readonly text: string;
}

/** Fenced blocks, in order. */
export const blocksIn = (text: string): Block[] =>
  [...text.matchAll(/^```([^\n]*)\n(.*?)^```$/gms)].map(([, language = '', block = '']) => ({
    language,
    text: block,
  }));

/** What stands between backticks. */
export const codeIn = (text: string): string[] =>
  [...text.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);

/** Rows of all tables, without their rules. */
export const rowsIn = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|') && !/^\|[-| ]+\|$/.test(line))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );
