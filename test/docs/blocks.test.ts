// Every command block of the documents is run by a test, or says why not. What a page names in passing: commands.test.ts.

import { describe, expect, it } from 'vitest';
import { blocksOf, documents, PLACES, parseBlocks } from './blocks.ts';

const all = documents().flatMap(blocksOf);

describe('every command block', () => {
  it('every command block is found', () => {
    expect(documents()).toContain('infra/RUNBOOK.md');
    expect(all.length).toBeGreaterThan(15);
  });

  it('every command block is run somewhere, or says why it cannot be', () => {
    const silent = all.filter(({ places, reason }) => places.length > 0 === reason.length > 10);
    expect(silent.map(({ document, line }) => `${document}:${line}`)).toEqual([]);
  });

  it('every command block is run where there is a place for it', () => {
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
