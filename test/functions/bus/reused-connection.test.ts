// A kept connection is trusted while it is fresh, probed after a freeze, and replaced when it does not answer.

import { setImmediate as turn } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { ReusedConnection } from '../../../functions/bus/reused-connection.ts';
import { ManualClock } from '../../support/manual-clock.ts';

interface Wire {
  readonly id: number;
  isDead: boolean;
  end(): void;
  readonly ended: Promise<void>;
}

let opened: Wire[];
let closed: number[];
let probes: number;
let refuses: boolean;
let clock: ManualClock;
let kept: ReusedConnection<Wire>;

beforeEach(() => {
  opened = [];
  closed = [];
  probes = 0;
  refuses = false;
  clock = new ManualClock();
  const connector = {
    open: async () => {
      if (refuses) throw new Error('refused');
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const wire = { id: opened.length + 1, isDead: false, ended, end };
      opened.push(wire);
      return wire;
    },
    probe: async (wire: Wire) => {
      probes++;
      if (wire.isDead) throw new Error('no answer');
    },
    close: (wire: Wire) => void closed.push(wire.id),
    ended: (wire: Wire) => wire.ended,
  };
  kept = new ReusedConnection(connector, clock);
});

const idOf = async () => (await kept.get()).id;

describe('a kept connection', () => {
  it('a kept connection is opened once for calls at the same time, and not probed while it is fresh', async () => {
    expect(await Promise.all([idOf(), idOf(), idOf()])).toEqual([1, 1, 1]);
    clock.advance(1_900);
    expect(await idOf()).toBe(1);
    expect(probes).toBe(0);
  });

  it('a kept connection is probed once after a freeze, and kept when it answers', async () => {
    await idOf();
    clock.advance(60_000);
    expect(await Promise.all([idOf(), idOf()])).toEqual([1, 1]);
    expect(probes).toBe(1);
  });

  it('a kept connection is probed when the clock went back', async () => {
    await idOf();
    clock.advance(-60_000);
    await idOf();
    expect(probes).toBe(1);
  });

  it('a kept connection is replaced and closed when it does not answer', async () => {
    (await kept.get()).isDead = true;
    clock.advance(60_000);
    expect(await idOf()).toBe(2);
    await turn();
    expect(closed).toEqual([1]);
  });

  it('a kept connection is replaced after it ended by itself', async () => {
    (await kept.get()).end();
    await turn();
    expect(await idOf()).toBe(2);
  });

  it('a kept connection that could not be opened is tried again by the next call', async () => {
    refuses = true;
    await expect(kept.get()).rejects.toThrow('refused');
    refuses = false;
    expect(await idOf()).toBe(1);
  });

  it('a kept connection is closed by a reset, also one that is still being opened', async () => {
    const opening = kept.get();
    kept.reset();
    await opening;
    await turn();
    expect(closed).toEqual([1]);
    expect(kept.resets).toBe(1);
    expect(await idOf()).toBe(2);
  });
});
