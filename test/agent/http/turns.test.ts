import { describe, expect, it } from 'vitest';
import { Turns } from '../../../agent/http/turns.ts';

describe('a turn', () => {
  it('answers what came together, in order and after the last of it came', async () => {
    const turns = new Turns();
    const ran: number[] = [];
    for (const n of [1, 2, 3]) turns.add(() => ran.push(n));
    expect(ran).toEqual([]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(ran).toEqual([1, 2, 3]);
  });

  it('leaves what comes meanwhile to the next', async () => {
    const turns = new Turns();
    const ran: string[] = [];
    turns.add(() => {
      ran.push('first');
      turns.add(() => ran.push('second'));
    });
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ran).toEqual(['first', 'second']);
  });
});
