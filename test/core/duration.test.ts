import { describe, expect, it } from 'vitest';
import { parseDurationMs } from '../../core/duration.ts';

describe('a duration', () => {
  it.each([
    ['0s', 0],
    ['100ms', 100],
    ['5s', 5_000],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['1.5s', 1_500],
    ['.5s', 500],
    ['5.s', 5_000],
    ['+5s', 5_000],
    ['1500us', 1.5],
    ['1500µs', 1.5],
    ['1500μs', 1.5],
    ['5000000000ns', 5_000],
  ])('a duration of %s is %d ms', (text, expected) => {
    expect(parseDurationMs(text)).toBeCloseTo(expected, 9);
  });

  it.each(['', '5', '5 s', '1d', '-1s', 's', '.s', '1s5', '5S', '1e3s'])('a duration is not %j', (text) => {
    expect(parseDurationMs(text)).toBe(null);
  });
});
