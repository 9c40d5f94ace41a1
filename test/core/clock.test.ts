import { expect, it } from 'vitest';
import { timerDelayMs } from '../../core/clock.ts';

it('a delay is never more than a timer of Node takes, which would make 1 ms of it', () => {
  expect([0, 250, 2 ** 31, 1e12].map(timerDelayMs)).toEqual([0, 250, 2 ** 31 - 1, 2 ** 31 - 1]);
});
