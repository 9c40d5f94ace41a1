// Swaps that are rehearsed, with the real clients and a clock that stands still until told.

import { afterEach, beforeEach, expect, it } from 'vitest';
import { Rehearsal } from '../../../agent/decisions/rehearsal.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryLog } from '../support/fakes.ts';

let clock: ManualClock;
let log: MemoryLog;
let rehearsal: Rehearsal;

beforeEach(() => {
  clock = new ManualClock();
  log = new MemoryLog();
  rehearsal = new Rehearsal({ clock, log });
});
afterEach(() => rehearsal.stop());

it('a rehearsed change is checked, built and tried like a real one, any number of times', async () => {
  for (const revision of [1, 2, 3]) await rehearsal.round(revision);
  expect(log.lines).toEqual([]);
});

it('nothing is rehearsed before the agent has had its first second', async () => {
  let rounds = 0;
  rehearsal.round = async () => void rounds++;
  rehearsal.start();
  clock.advance(999);
  await new Promise(setImmediate);
  expect(rounds).toBe(0);
  clock.advance(1);
  await new Promise(setImmediate);
  expect(rounds).toBe(1);
});

it('after the first rounds one is rehearsed now and then, until the end', async () => {
  const revisions: number[] = [];
  rehearsal.round = async (revision) => void revisions.push(revision);
  rehearsal.start();
  const pass = async (ms: number) => {
    clock.advance(ms);
    await new Promise(setImmediate);
  };
  for (let i = 0; i < 60; i++) await pass(1_000);
  expect(revisions).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  await pass(10 * 60_000);
  expect(revisions.at(-1)).toBe(9);
  rehearsal.stop();
  expect(clock.waitingCount).toBe(0);
});

it('a rehearsal that fails is told of and not tried again', async () => {
  let rounds = 0;
  rehearsal.round = async () => {
    rounds++;
    throw new Error('out of order');
  };
  rehearsal.start();
  clock.advance(1_000);
  await new Promise(setImmediate);
  clock.advance(60 * 60_000);
  await new Promise(setImmediate);
  expect(rounds).toBe(1);
  expect(log.lines.map(({ event }) => event)).toEqual(['rehearsal.failed']);
});
