// What makes a line of the scoreboard red: a scoreboard that cannot turn red proves nothing.

import { describe, expect, it } from 'vitest';
import { RULES } from './rules.ts';
import { redsOf, type Score, scorePage, scoreText } from './scoreboard.ts';

const good: Score = {
  fault: 'kill-nats',
  asked: 1_000,
  failed: 0,
  refusedWhileDead: 7,
  stalenessMsMax: 3_000,
  staleRule: RULES.left,
  convergedMs: 300,
  rule: RULES.bus,
  wentBack: [],
  changes: 18,
  lost: [],
  isFelt: true,
  notes: [],
};

describe('a line', () => {
  it('a line is good when agents only failed while they were dead', () => {
    expect(redsOf(good)).toEqual([]);
  });

  it.each<[string, Partial<Score>]>([
    ['a decision failed at a living agent', { failed: 1 }],
    ['no decision was asked', { asked: 0 }],
    ['an agent went back', { wentBack: ['agent-1 from seq 4 to 3'] }],
    ['a change was lost', { lost: ['the record is at revision 3, not 4'] }],
    ['it never converged', { convergedMs: null }],
    ['it converged later than its rule', { convergedMs: RULES.bus.msMax + 1 }],
    ['agents were behind for longer than their way round takes', { stalenessMsMax: RULES.left.msMax + 1 }],
    ['the fault had no effect', { isFelt: false }],
  ])('a line is red when %s', (_name, change) => {
    expect(redsOf({ ...good, ...change })).toHaveLength(1);
  });

  it('without a rule for it may be behind for as long as the fault goes on', () => {
    expect(redsOf({ ...good, staleRule: undefined, stalenessMsMax: 60_000 })).toEqual([]);
  });
});

describe('the page', () => {
  it('counts red and skipped lines, and says what made one red', () => {
    const lines = [
      good,
      { ...good, fault: 'freeze-s3', failed: 2 },
      { fault: 'loss', skipped: 'needs root' },
    ];
    const page = scorePage(lines, 'npm run chaos', 'a machine');
    expect(page).toContain('2 faults, 1 red, 1 skipped');
    expect(page).toContain('- freeze-s3: **2 decisions failed**');
    expect(page).toMatch(/^\| loss \|.*skipped: needs root \|$/m);
    expect(scoreText(lines)).toMatch(/^kill-nats .* ok$/m);
  });
});
