// Every command block of the documents is run by a test, or says why not; and what is told in passing of `fanout` exists.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProgram } from '../../infra/cli/program.ts';
import { ROOT_DIR } from '../../infra/local/root.ts';
import { fakeShell } from '../infra/cli/support/shell.ts';
import { blocksOf, documents, PLACES, parseBlocks } from './blocks.ts';

const all = documents().flatMap(blocksOf);

describe('every command block', () => {
  it('is found', () => {
    expect(documents()).toContain('infra/RUNBOOK.md');
    expect(all.length).toBeGreaterThan(15);
  });

  it('is run somewhere, or says why it cannot be', () => {
    const silent = all.filter(({ places, reason }) => places.length > 0 === reason.length > 10);
    expect(silent.map(({ document, line }) => `${document}:${line}`)).toEqual([]);
  });

  it('is run where there is a place for it', () => {
    const places: readonly string[] = PLACES;
    expect(all.flatMap((block) => block.places).filter((place) => !places.includes(place))).toEqual([]);
    for (const place of places) expect(all.some((block) => block.places.includes(place))).toBe(true);
  });

  it('belongs to the comment right above it, or to that of its page', () => {
    const page = (above: string) => `# x\n\n${above}\n\n\`\`\`sh\nls\n\`\`\`\n`;
    const [run] = parseBlocks('x.md', page('<!-- run: local, stage -->'));
    expect(run).toEqual({ document: 'x.md', line: 6, text: 'ls', places: ['local', 'stage'], reason: '' });
    const [not] = parseBlocks('x.md', page('<!-- not run: needs a cluster -->'));
    expect(not).toMatchObject({ places: [], reason: 'needs a cluster' });
    const [silent] = parseBlocks('x.md', page('<!-- not run: needs a cluster -->\n\ntext'));
    expect(silent).toMatchObject({ places: [], reason: '' });
    const [ofPage] = parseBlocks('x.md', page('<!-- not run, whole page: needs a cluster -->\n\ntext'));
    expect(ofPage).toMatchObject({ reason: 'needs a cluster' });
  });
});

const COMMAND =
  /^(?:\w+=\S+ )*(?:npm run (?:-s )?fanout -- |fanout )((?:webhook|datafile|config|signing|logs|doctor)\b[^|;`#]*)/;

/** `fanout …` wherever it stands in code: words up to the end of the command. */
function commandsIn(document: string): string[] {
  const page = readFileSync(join(ROOT_DIR, document), 'utf8');
  const lines = page.split('\n').map((line) => line.trim());
  const codes = [...page.matchAll(/`([^`\n]*)`/g)].map(([, code = '']) => code);
  return [...lines, ...codes].flatMap((code) => COMMAND.exec(code)?.[1]?.trim() ?? []);
}

const helpOf = async (words: readonly string[]): Promise<string> => {
  const shell = fakeShell({ isTerminal: false });
  await runProgram([...words, '--help'], shell);
  return shell.written.out;
};

it('options of fanout that the documents name are options that it has', async () => {
  const commands = documents().flatMap((document) =>
    commandsIn(document).map((line) => ({ document, line })),
  );
  expect(commands.length).toBeGreaterThan(20);
  for (const { document, line } of commands) {
    const [first = '', second = ''] = line.split(/\s+/);
    const help = await helpOf(['logs', 'doctor'].includes(first) ? [first] : [first, second].filter(isWord));
    for (const [option] of line.matchAll(/--[a-z][a-z-]+/g))
      expect(help, `${document}: fanout ${line}`).toContain(option);
  }
});

const isWord = (text: string): boolean => /^[a-z]+$/.test(text);
