import { describe, expect, it } from 'vitest';
import { quantileMs, SHOWN_BUCKETS_MS, sumOfTimers, TIMERS, Timer } from '../../../agent/metrics/timers.ts';

const timerOf = (...durationsMs: number[]) => {
  const timer = new Timer();
  for (const durationMs of durationsMs) timer.record(durationMs);
  return timer;
};

describe('a timer', () => {
  it('counts what it was told, each in the bucket that it fits into', () => {
    const timer = timerOf(0.004, 0.005, 0.2, 60_000);
    expect(timer).toMatchObject({ hits: 4, totalMs: 60_000.209 });
    const [first] = timer.buckets;
    expect(first).toBe(2);
    expect(timer.buckets[SHOWN_BUCKETS_MS.indexOf(0.25)]).toBe(1);
    expect(timer.buckets.at(-1)).toBe(1);
  });

  it('knows its quantiles to within a bucket, also of slow answers', () => {
    const timer = timerOf(...Array.from({ length: 98 }, () => 0.2), 300, 60_000);
    expect(quantileMs(timer, 0.5)).toBeGreaterThan(0.1);
    expect(quantileMs(timer, 0.5)).toBeLessThanOrEqual(0.25);
    expect(quantileMs(timer, 0.99)).toBe(500);
    expect(quantileMs(timer, 1)).toBe(10_000);
    expect(quantileMs(new Timer(), 0.5)).toBe(0);
  });
});

it('of all processes are summed up, and those that nothing has moved are there', () => {
  const sum = sumOfTimers([
    new Map([['decide', timerOf(1, 2)]]),
    new Map([
      ['decide', timerOf(3)],
      ['track-event', timerOf(4)],
    ]),
  ]);
  expect([...sum.keys()].sort()).toEqual(TIMERS.toSorted());
  expect(sum.get('decide')).toMatchObject({ hits: 3, totalMs: 6 });
  expect(sum.get('track-event')).toMatchObject({ hits: 1, totalMs: 4 });
  expect(sum.get('save')).toMatchObject({ hits: 0, totalMs: 0 });
});
