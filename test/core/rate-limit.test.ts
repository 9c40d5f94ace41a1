import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type RateState, takeToken } from '../../core/rate-limit.ts';

const limit = { burst: 3, perSecond: 2 };

function allowedAt(timesMs: readonly number[]): boolean[] {
  let state: RateState | null = null;
  return timesMs.map((atMs) => {
    const taken = takeToken(state, atMs, limit);
    state = taken.state;
    return taken.isAllowed;
  });
}

it('lets the burst through at once, then as many as the rate', () => {
  expect(allowedAt([0, 0, 0, 0, 499, 500, 501, 1_000])).toEqual([
    ...[true, true, true],
    ...[false, false, true, false, true],
  ]);
});

it('gives back no more than the burst, however long the pause', () => {
  expect(allowedAt([0, 3_600_000, 3_600_000, 3_600_000, 3_600_000])).toEqual([true, true, true, true, false]);
});

it('says how long to wait, and keeps that word', () => {
  const { state } = takeToken({ tokens: 0, atMs: 0 }, 100, limit);
  const { waitMs } = takeToken(state, 100, limit);
  expect(waitMs).toBeCloseTo(400);
  expect(takeToken(state, 100 + Math.ceil(waitMs), limit).isAllowed).toBe(true);
});

it('never lets more through than burst and rate together, also when the clock jumps', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5_000, max: 5_000 }), { maxLength: 200 }), (steps) => {
      let nowMs = 0;
      let forwardMs = 0;
      const times = steps.map((step) => {
        nowMs += step;
        forwardMs += Math.max(0, step);
        return nowMs;
      });
      const allowed = allowedAt(times).filter(Boolean).length;
      expect(allowed).toBeLessThanOrEqual(limit.burst + (forwardMs * limit.perSecond) / 1000);
    }),
  );
});
