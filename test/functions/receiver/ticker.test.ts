import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { createTicker } from '../../../functions/receiver/ticker.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const MINUTE_MS = 60_000;

function tickerWith(random: number, work: () => Promise<void>) {
  const clock = new ManualClock();
  const ticker = createTicker({ clock, random: () => random, intervalMs: MINUTE_MS, jitter: 0.1, work });
  return { clock, ticker };
}

const passing = async (clock: ManualClock, ms: number) => {
  clock.advance(ms);
  await turn();
};

it('runs at once, then a minute from start to start', async () => {
  const runs: number[] = [];
  const { clock, ticker } = tickerWith(0.5, async () => void runs.push(clock.nowMs()));
  const startMs = clock.nowMs();
  ticker.start();
  await turn();
  await passing(clock, MINUTE_MS);
  await passing(clock, MINUTE_MS);
  expect(runs.map((atMs) => atMs - startMs)).toEqual([0, MINUTE_MS, 2 * MINUTE_MS]);
});

it.each([
  [0, 54_000],
  [1, 66_000],
])('comes up to a tenth early or late (%d)', async (random, expectedMs) => {
  let runs = 0;
  const { clock, ticker } = tickerWith(random, async () => void runs++);
  ticker.start();
  await turn();
  await passing(clock, expectedMs - 1);
  expect(runs).toBe(1);
  await passing(clock, 1);
  expect(runs).toBe(2);
});

it('never runs twice at once: a run that takes longer than a minute is followed at once', async () => {
  let running = 0;
  let most = 0;
  let runs = 0;
  let finish = (): void => {};
  const { clock, ticker } = tickerWith(0.5, async () => {
    runs++;
    most = Math.max(most, ++running);
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
    running--;
  });
  ticker.start();
  await passing(clock, 5 * MINUTE_MS);
  expect(runs).toBe(1);
  finish();
  await turn();
  await passing(clock, 0);
  expect({ runs, most }).toEqual({ runs: 2, most: 1 });
});

it('stops when the run under way has ended, and begins no other', async () => {
  let runs = 0;
  let finish = (): void => {};
  const { clock, ticker } = tickerWith(0.5, async () => {
    runs++;
    await new Promise<void>((resolve) => {
      finish = resolve;
    });
  });
  ticker.start();
  let isStopped = false;
  const stopped = ticker.stop().then(() => {
    isStopped = true;
  });
  await turn();
  expect(isStopped).toBe(false);
  finish();
  await stopped;
  await passing(clock, 10 * MINUTE_MS);
  expect(runs).toBe(1);
  expect(clock.waitingCount).toBe(0);
});
