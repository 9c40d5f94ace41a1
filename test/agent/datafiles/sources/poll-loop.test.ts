import { describe, expect, it } from 'vitest';
import { JITTER_SHARE, PollLoop } from '../../../../agent/datafiles/sources/poll-loop.ts';
import type { RateLimit } from '../../../../core/rate-limit.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { settled } from '../../support/fakes.ts';

function setUp({ random = 0.5, limit }: { random?: number; limit?: RateLimit } = {}) {
  const clock = new ManualClock();
  const state = { looks: 0, failing: false, intervalMs: 5_000, gate: null as Promise<void> | null };
  const loop = new PollLoop({
    clock,
    random: () => random,
    look: async () => {
      state.looks++;
      await state.gate;
      if (state.failing) throw new Error('down');
    },
    intervalMs: () => state.intervalMs,
    backoffFirstMs: 1_000,
    backoffMaxMs: 60_000,
    ...(limit && { limit }),
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { clock, loop, state, pass };
}

describe('a poll loop', () => {
  it('looks when asked and then at its interval', async () => {
    const { loop, state, pass } = setUp();
    await loop.now();
    expect(state.looks).toBe(1);
    await pass(4_999);
    expect(state.looks).toBe(1);
    await pass(1);
    await pass(5_000);
    expect(state.looks).toBe(3);
  });

  it.each([
    [0, 1 - JITTER_SHARE],
    [1, 1 + JITTER_SHARE],
  ])('spreads its waits (random %d)', async (random, share) => {
    const { loop, state, pass } = setUp({ random });
    await loop.now();
    await pass(5_000 * share - 1);
    expect(state.looks).toBe(1);
    await pass(1);
    expect(state.looks).toBe(2);
  });

  it('backs off while looks fail, up to a minute, and is back at its interval after a good one', async () => {
    const { loop, state, pass } = setUp();
    state.failing = true;
    await loop.now();
    for (const waitMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      const before = state.looks;
      await pass(waitMs - 1);
      expect(state.looks).toBe(before);
      await pass(1);
      expect(state.looks).toBe(before + 1);
    }
    state.failing = false;
    await pass(60_000);
    const before = state.looks;
    await pass(5_000);
    expect(state.looks).toBe(before + 1);
  });

  it('a poll loop has one look in flight; who asks meanwhile gets one that began later', async () => {
    const { loop, state } = setUp();
    let open = () => {};
    state.gate = new Promise((resolve) => {
      open = resolve;
    });
    const first = loop.now();
    const more = [loop.now(), loop.now(), loop.now()];
    expect(state.looks).toBe(1);
    open();
    await first;
    await Promise.all(more);
    expect(state.looks).toBe(2);
  });

  it('takes up a shorter interval at once, and an unchanged one does not put the next look off', async () => {
    const { loop, state, pass } = setUp();
    state.intervalMs = 300_000;
    await loop.now();
    await pass(299_000);
    loop.reschedule();
    await pass(1_000);
    expect(state.looks).toBe(2);
    state.intervalMs = 5_000;
    loop.reschedule();
    await pass(5_000);
    expect(state.looks).toBe(3);
  });

  it('makes no more looks than its limit, however often it is asked, and the last who asks gets one that began later', async () => {
    const { loop, state, pass } = setUp({ limit: { burst: 2, perSecond: 1 } });
    state.intervalMs = 300_000;
    let answered = 0;
    for (let i = 0; i < 100; i++) {
      void loop.now().then(() => answered++);
      await pass(50);
    }
    // Two at once, and one in each of the five seconds.
    expect([state.looks, answered]).toEqual([7, 100]);
  });

  it('lets go of those who wait for the limit when it is stopped', async () => {
    const { loop, clock } = setUp({ limit: { burst: 1, perSecond: 1 } });
    await loop.now();
    const waiting = loop.now();
    await settled();
    loop.stop();
    await waiting;
    expect(clock.waitingCount).toBe(0);
  });

  it('a poll loop does nothing after it was stopped', async () => {
    const { loop, state, pass, clock } = setUp();
    await loop.now();
    loop.stop();
    await loop.now();
    await pass(60_000);
    expect(state.looks).toBe(1);
    expect(clock.waitingCount).toBe(0);
  });
});
