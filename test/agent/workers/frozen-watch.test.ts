import { describe, expect, it, onTestFinished } from 'vitest';
import { FROZEN_AFTER_MS, FrozenWatch } from '../../../agent/workers/frozen-watch.ts';
import type { LiveWorker } from '../../../agent/workers/live-worker.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { settled } from '../support/fakes.ts';

const TICK_MS = 1_000;

/** A worker that answers a ping, or lets it lie there, or ends. */
class Pinged {
  readonly pings: PromiseWithResolvers<null>[] = [];
  isFrozen = false;
  readonly live = {
    peer: {
      ask: () => {
        const ping = Promise.withResolvers<null>();
        this.pings.push(ping);
        if (!this.isFrozen) ping.resolve(null);
        return ping.promise;
      },
    },
  } as unknown as LiveWorker;
}

function setUp() {
  const clock = new ManualClock();
  const [one, other] = [new Pinged(), new Pinged()];
  const workers = [one, other];
  const frozen: LiveWorker[] = [];
  const watch = new FrozenWatch({
    clock,
    workers: () => workers.map(({ live }) => live),
    onFrozen: (worker) => frozen.push(worker),
  });
  watch.start();
  onTestFinished(() => watch.stop());
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += TICK_MS) {
      clock.advance(TICK_MS);
      await settled();
    }
  };
  return { clock, one, other, workers, frozen, watch, pass };
}

describe('the watch for frozen workers', () => {
  it('tells once of a worker that does not answer within the bound, and of no other', async () => {
    const { one, frozen, watch, pass } = setUp();
    await pass(FROZEN_AFTER_MS);
    one.isFrozen = true;
    await pass(FROZEN_AFTER_MS);
    expect(frozen).toEqual([]);
    await pass(TICK_MS);
    expect(frozen).toEqual([one.live]);
    await pass(3 * FROZEN_AFTER_MS);
    expect([frozen, watch.frozenCount]).toEqual([[one.live], 1]);
  });

  it('tells of no worker that answers late, again and again', async () => {
    const { one, frozen, pass } = setUp();
    one.isFrozen = true;
    for (let i = 0; i < 5; i++) {
      await pass(FROZEN_AFTER_MS - TICK_MS);
      one.pings.at(-1)?.resolve(null);
      await settled();
    }
    expect(frozen).toEqual([]);
    expect(one.pings.length).toBeGreaterThanOrEqual(5);
  });

  it('tells of no worker after a time in which the primary did not run either', async () => {
    const { clock, one, frozen, pass } = setUp();
    one.isFrozen = true;
    await pass(TICK_MS);
    // The machine was suspended for an hour, or so slow that one tick of the primary took as long.
    clock.advance(3_600_000);
    await settled();
    await pass(FROZEN_AFTER_MS / 2);
    expect(frozen).toEqual([]);
    await pass(FROZEN_AFTER_MS / 2);
    expect(frozen).toEqual([one.live]);
  });

  it('begins anew with the worker that takes the place of another one', async () => {
    const { one, other, workers, frozen, pass } = setUp();
    one.isFrozen = true;
    await pass(FROZEN_AFTER_MS / 2);
    const next = new Pinged();
    next.isFrozen = true;
    workers.splice(0, 2, next, other);
    await pass(FROZEN_AFTER_MS);
    expect(frozen).toEqual([]);
    await pass(TICK_MS);
    expect(frozen).toEqual([next.live]);
  });

  it('waits no more once it was stopped', async () => {
    const { clock, one, watch, pass, frozen } = setUp();
    one.isFrozen = true;
    await pass(TICK_MS);
    watch.stop();
    await pass(2 * FROZEN_AFTER_MS);
    expect([clock.waitingCount, frozen]).toEqual([0, []]);
  });
});
