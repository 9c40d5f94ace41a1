// How many events go into a request: as many as were asked for, and more only while they come faster than that is worth.

import { describe, expect, it } from 'vitest';
import { Batcher } from '../../../agent/events/batcher.ts';
import type { Batch } from '../../../agent/events/event.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function setUp(batchSizeMax: number) {
  const clock = new ManualClock();
  const batches: Batch[] = [];
  const batcher = new Batcher({
    ...{ batchSize: 2, batchSizeMax, flushIntervalMs: 30_000, clock },
    onBatch: (batch) => batches.push(batch),
  });
  const add = (count: number) => {
    for (let i = 0; i < count; i++) batcher.add('http://events.example/', '{"revision":"1"}', '{}', 0);
  };
  return { clock, add, sizes: () => batches.map(({ length }) => length) };
}

describe('batches', () => {
  it('grow while events come quickly, up to their limit, and what is left does not wait long', () => {
    const { clock, add, sizes } = setUp(8);
    add(2 + 2 + 4 + 8 + 8 + 3);
    expect(sizes()).toEqual([2, 2, 4, 8, 8]);
    clock.advance(50);
    expect(sizes()).toEqual([2, 2, 4, 8, 8, 3]);
    expect(clock.waitingCount).toBe(0);
  });

  it('batches are of the usual size again when events come slowly', () => {
    const { clock, add, sizes } = setUp(8);
    add(2 + 2 + 4);
    clock.advance(20);
    add(8);
    clock.advance(20);
    add(2);
    expect(sizes()).toEqual([2, 2, 4, 8, 2]);
  });

  it('batches do not grow where the operator named a size', () => {
    const { add, sizes } = setUp(2);
    add(6);
    expect(sizes()).toEqual([2, 2, 2]);
  });
});
