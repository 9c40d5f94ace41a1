import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { format, goalRow, isMet } from './goals.ts';
import { median, percentile, summarise } from './stats.ts';

describe('percentiles', () => {
  it('percentiles are values that were measured, by nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect(summarise(hundred)).toEqual({ count: 100, p50: 50, p99: 99, max: 100 });
    expect(median([3, 1, 2])).toBe(2);
    expect(percentile([7], 0.99)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });

  it('leave at least that share of all values at or below', () => {
    const values = fc.array(fc.integer(), { minLength: 1 });
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, fraction) => {
        const limit = percentile(all, fraction);
        expect(all).toContain(limit);
        expect(all.filter((value) => value <= limit).length).toBeGreaterThanOrEqual(
          fraction * all.length - 1e-9,
        );
      }),
    );
  });
});

describe('a goal', () => {
  const goal = { name: 'p50', value: 40, limit: 44, unit: 'ms' };

  it('a goal is met up to its limit', () => {
    expect(isMet({ ...goal, value: 44 })).toBe(true);
    expect(isMet({ ...goal, value: 44.1 })).toBe(false);
    expect(isMet({ ...goal, value: 99, limit: 100, atLeast: true })).toBe(false);
  });

  it('a goal that was never measured is not met', () => {
    expect(isMet({ ...goal, value: Number.NaN })).toBe(false);
  });

  it('says by how much it was missed', () => {
    expect(goalRow(goal)).toEqual(['p50', '40 ms', '≤ 44 ms', 'met']);
    expect(goalRow({ ...goal, value: 55 }).at(-1)).toBe('MISSED by 25%');
    expect(goalRow({ ...goal, value: 2, limit: 0 }).at(-1)).toBe('MISSED');
    expect(goalRow({ ...goal, value: 99, limit: 100, unit: '%', atLeast: true })).toEqual([
      'p50',
      '99%',
      '≥ 100%',
      'MISSED by 1%',
    ]);
    expect(goalRow({ ...goal, because: '4 × raw' })[2]).toBe('≤ 44 ms (4 × raw)');
  });

  it('a goal is printed with three figures', () => {
    expect([1234.5, 99.96, 0.12345, 3, Number.NaN].map(format)).toEqual([
      '1235',
      '100',
      '0.123',
      '3',
      'none',
    ]);
  });
});
