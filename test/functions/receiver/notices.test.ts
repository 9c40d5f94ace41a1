// What stands in for SNS: announcements with patience, refetches that outlive the process.

import { beforeEach, describe, expect, it } from 'vitest';
import { NOTICE_SCHEMA, type RefetchNotice } from '../../../core/bus/notice.ts';
import type { ChangeId, SdkKey, Seq } from '../../../core/ids.ts';
import { createNotices } from '../../../functions/receiver/notices.ts';
import type { RefetchIntents } from '../../../functions/receiver/refetch-intents.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { datafileOf, failure, KEY } from '../../support/datafiles.ts';
import { fakeDeps, turnsUntil } from '../../support/functions/fakes.ts';
import { projectsOf } from '../../support/functions/webhooks.ts';

class FakeIntents implements RefetchIntents {
  kept: RefetchNotice[] = [];
  reads = 0;
  isDown = false;
  read = async (sdkKey: SdkKey) => {
    this.reads++;
    return this.kept.filter((notice) => notice.sdkKey === sdkKey);
  };
  write = async (notice: RefetchNotice) => {
    if (this.isDown) throw failure('RECORD_UNAVAILABLE');
    this.kept.push(notice);
  };
}

let deps = fakeDeps();
let intents = new FakeIntents();
let notices = createNotices(deps, unchanging(projectsOf(KEY)), intents);
beforeEach(() => {
  deps = fakeDeps();
  intents = new FakeIntents();
  notices = createNotices(deps, unchanging(projectsOf(KEY)), intents);
});

const refetchOf = (revision: number): RefetchNotice => ({
  schema: NOTICE_SCHEMA,
  kind: 'refetch',
  sdkKey: KEY,
  revision,
  changeId: `change-${revision}` as ChangeId,
  receivedAtMs: deps.clock.nowMs(),
});

const published = {
  schema: NOTICE_SCHEMA,
  kind: 'published',
  sdkKey: KEY,
  seq: 1 as Seq,
  revision: 7,
  changeId: 'change-7' as ChangeId,
} as const;

const resultsOf = () =>
  deps.lines.flatMap(({ event, result }) => (event === 'reconcile.key' ? [result] : []));

describe('a refetch', () => {
  it('a refetch is owed from the moment that it is in the store, and is settled', async () => {
    deps.cdn.serve(datafileOf(7));
    await notices.topic.publish(refetchOf(7));
    expect(intents.kept.map(({ revision }) => revision)).toEqual([7]);
    await turnsUntil(() => deps.record.headOf()?.revision === 7);
    await turnsUntil(() => notices.openCount() === 0);
    expect(deps.record.headOf()?.changeId).toBe('change-7');
  });

  it('a refetch is refused, not promised, when the store does not take it', async () => {
    intents.isDown = true;
    await expect(notices.topic.publish(refetchOf(7))).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
    expect(notices.openCount()).toBe(0);
  });

  it('a refetch that another replica owed is settled by this one', async () => {
    deps.cdn.serve(datafileOf(7));
    intents.kept.push(refetchOf(7));
    await notices.settle(KEY);
    expect(deps.record.headOf()?.revision).toBe(7);
  });

  it('asks Optimizely nothing once the record has the revision', async () => {
    deps.cdn.serve(datafileOf(8));
    intents.kept.push(refetchOf(8));
    await notices.settle(KEY);
    const { fetches } = deps.cdn;
    await notices.settle(KEY);
    expect(deps.cdn.fetches).toBe(fetches);
    expect(resultsOf()).toEqual(['moved']);
  });

  it('stays owed while Optimizely fails, and is tried again', async () => {
    deps.cdn.served = { cdn: failure('CDN_DENIED', false), origin: failure('CDN_DENIED', false) };
    intents.kept.push(refetchOf(7));
    const first = notices.settle(KEY);
    // Its patience is 45 s of the clock.
    await turnsUntil(() => {
      deps.clock.advance(1_000);
      return resultsOf().includes('refetch-open');
    });
    await first;
    expect(notices.openCount()).toBe(1);
    deps.cdn.serve(datafileOf(7));
    await notices.settle(KEY);
    expect(deps.record.headOf()?.revision).toBe(7);
    expect(notices.openCount()).toBe(0);
  });

  it('a refetch is given up after a day, once and loudly', async () => {
    intents.kept.push(refetchOf(7));
    deps.clock.advance(25 * 60 * 60 * 1000);
    await notices.settle(KEY);
    await notices.settle(KEY);
    expect(resultsOf()).toEqual(['refetch-given-up']);
    expect(deps.cdn.asked).toEqual([]);
  });

  it('a refetch is settled beside one that Optimizely never serves, which is asked for no longer than it may lag', async () => {
    deps.cdn.serve(datafileOf(7));
    intents.kept.push(refetchOf(7), refetchOf(Number.MAX_SAFE_INTEGER));
    const first = notices.settle(KEY);
    await turnsUntil(() => {
      deps.clock.advance(1_000);
      return resultsOf().includes('refetch-open');
    });
    await first;
    expect(deps.record.headOf()?.revision).toBe(7);
    expect(notices.openCount()).toBe(1);
    deps.clock.advance(10 * 60_000);
    const asked = deps.cdn.asked.length;
    await notices.settle(KEY);
    expect([deps.cdn.asked.length, notices.openCount()]).toEqual([asked, 1]);
  });

  it('a refetch is not looked after twice at once', async () => {
    deps.cdn.serve(datafileOf(7));
    intents.kept.push(refetchOf(7));
    await Promise.all([notices.settle(KEY), notices.settle(KEY), notices.settle(KEY)]);
    expect(intents.reads).toBe(1);
  });
});

describe('a published change', () => {
  beforeEach(async () => {
    // Puts revision 7 into the record and on the bus, then takes the bus's head away.
    deps.cdn.serve(datafileOf(7));
    intents.kept.push(refetchOf(7));
    await notices.settle(KEY);
  });

  it('a published change is announced again a second later, where it finds the work done', async () => {
    await notices.topic.publish(published);
    deps.clock.advance(1_000);
    await turnsUntil(() =>
      deps.lines.some(({ event, result }) => event === 'change.announced' && result === 'already'),
    );
  });

  it('a published change is announced although the bus was away twice', async () => {
    deps.bus.heads.clear();
    deps.bus.isDown = true;
    await notices.topic.publish(published);
    for (const delayMs of [1_000, 5_000]) {
      deps.clock.advance(delayMs);
      await turnsUntil(() => deps.clock.waitingCount > 0);
    }
    deps.bus.isDown = false;
    deps.clock.advance(15_000);
    await turnsUntil(() => deps.bus.heads.has(KEY));
    const failed = deps.lines.filter(({ event }) => event === 'change.announce-failed');
    expect(failed.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(deps.clock.waitingCount).toBe(0);
  });

  it('a published change is forgotten on a stop: reconcile finds what the bus has not', async () => {
    await notices.topic.publish(published);
    const lines = deps.lines.length;
    await notices.stop();
    deps.clock.advance(60_000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(deps.lines.length).toBe(lines);
    expect(deps.clock.waitingCount).toBe(0);
  });
});
