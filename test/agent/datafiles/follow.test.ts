import { describe, expect, it } from 'vitest';
import {
  CDN_BOOT_WAIT_MS,
  DISK_WAIT_MS,
  FIRST_DATAFILE_WAIT_MS,
  Follower,
} from '../../../agent/datafiles/follow.ts';
import type { CdnAnswer, CdnSource } from '../../../agent/datafiles/sources/cdn.ts';
import type { Source, SourceName } from '../../../agent/datafiles/sources/source.ts';
import { Store } from '../../../agent/datafiles/store.ts';
import type { SdkKey, Seq } from '../../../core/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeBuilder } from '../support/builder.ts';
import { candidateOf, KEY, settled } from '../support/fakes.ts';

/** Notes what it is asked; its looks end when the test says so. */
function fakeSource(name: SourceName, calls: string[], look: () => Promise<void>): Source {
  return {
    name,
    watch: () => {
      calls.push(`watch ${name}`);
      return look();
    },
    unwatch: () => void calls.push(`unwatch ${name}`),
    stop: async () => {},
  };
}

interface LookupBudget {
  disk?: () => Promise<void>;
  nats?: () => Promise<void>;
  s3?: () => Promise<void>;
  cdn?: () => Promise<void>;
}

const nothing = async () => {};
const never = () => new Promise<void>(() => {});

function setUp(
  looks: (offer: (seq: number) => Promise<void>) => LookupBudget,
  vouched: CdnAnswer | null = null,
) {
  const clock = new ManualClock();
  const calls: string[] = [];
  const store = new Store({
    builder: new FakeBuilder(),
    clock,
    onAccepted: (held) => follower.accepted(held.sdkKey, held),
  });
  const offer = async (seq: number) => {
    await store.offer(candidateOf(seq, { seq: seq as Seq }));
  };
  const watchedWith: (CdnAnswer | null)[] = [];
  const { disk = nothing, nats = nothing, s3 = nothing, cdn = nothing } = looks(offer);
  const follower = new Follower({
    ...{ store, clock },
    sources: {
      disk: fakeSource('disk', calls, disk),
      nats: fakeSource('nats', calls, nats),
      record: { ...fakeSource('s3', calls, s3), has: () => false },
      cdn: {
        ...fakeSource('cdn', calls, cdn),
        watch: (_sdkKey: SdkKey, first: CdnAnswer | null) => {
          calls.push('watch cdn');
          watchedWith.push(first);
          return cdn();
        },
        refusal: () => 403,
      } as unknown as CdnSource,
    },
  });
  let done = false;
  const following = follower.follow(KEY, vouched).then(() => {
    done = true;
  });
  return { clock, calls, watchedWith, store, offer, follower, following, isDone: () => done };
}

const WATCHED = ['watch disk', 'watch nats', 'watch s3'];

describe('following a key', () => {
  it('following a key is done with what the disk has, and lets bus and S3 look in the background', async () => {
    const { calls, following } = setUp((offer) => ({ disk: () => offer(5), nats: never, s3: never }));
    await following;
    expect(calls).toEqual(['watch disk', 'unwatch cdn', 'watch nats', 'watch s3']);
  });

  it('asks the others beside a disk that does not answer', async () => {
    const { clock, calls, following, isDone } = setUp((offer) => ({ disk: never, s3: () => offer(5) }));
    await settled();
    clock.advance(DISK_WAIT_MS - 1);
    await settled();
    expect(calls).toEqual(['watch disk']);
    expect(isDone()).toBe(false);
    clock.advance(1);
    await following;
    expect(calls).toContain('watch s3');
    expect(clock.waitingCount).toBe(0);
  });

  it('asks the CDN too for what a slow disk kept of it', async () => {
    const { clock, calls, following, offer } = setUp(() => ({ disk: never, nats: never, s3: never }));
    await settled();
    clock.advance(DISK_WAIT_MS);
    await settled();
    await offer(0);
    await following;
    expect(calls).toEqual([...WATCHED, 'watch cdn']);
  });

  it('asks bus and S3 side by side, and the CDN when both have nothing', async () => {
    const { calls, following } = setUp(() => ({}));
    await following;
    expect(calls).toEqual([...WATCHED, 'watch cdn']);
  });

  it('asks the CDN when bus and S3 take too long, and no sooner', async () => {
    const { clock, calls, isDone } = setUp(() => ({ nats: never, s3: never, cdn: never }));
    await settled();
    clock.advance(CDN_BOOT_WAIT_MS - 1);
    await settled();
    expect(calls).toEqual(WATCHED);
    clock.advance(1);
    await settled();
    expect(calls).toEqual([...WATCHED, 'watch cdn']);
    clock.advance(FIRST_DATAFILE_WAIT_MS);
    await settled();
    expect(isDone()).toBe(true);
    expect(clock.waitingCount).toBe(0);
  });

  it('following a key does not ask the CDN once one of them has brought a datafile', async () => {
    const { clock, calls, following, offer } = setUp(() => ({ nats: never, s3: never }));
    await settled();
    await offer(3);
    await following;
    clock.advance(CDN_BOOT_WAIT_MS);
    await settled();
    expect(calls).not.toContain('watch cdn');
  });

  it('asks the CDN beside the others while all there is on disk came from the CDN', async () => {
    const { calls, following } = setUp((offer) => ({ disk: () => offer(0) }));
    await following;
    expect(calls).toEqual([...WATCHED, 'watch cdn']);
  });

  it('lets go of the CDN for the first datafile from the record, not before', async () => {
    const { calls, following, offer } = setUp((give) => ({ cdn: () => give(0) }));
    await following;
    expect(calls).not.toContain('unwatch cdn');
    await offer(1);
    expect(calls.at(-1)).toBe('unwatch cdn');
  });

  it('says why there is none, until there is one', async () => {
    const { follower, following, offer } = setUp(() => ({}));
    await following;
    expect(follower.refusal(KEY)).toBe('denied');
    await offer(1);
    expect(follower.refusal(KEY)).toBeNull();
  });

  it('ends everywhere, also while the first looks go on', async () => {
    const { clock, calls, follower, store, following } = setUp(() => ({ nats: never, s3: never }));
    await settled();
    follower.unfollow(KEY);
    clock.advance(CDN_BOOT_WAIT_MS);
    await following;
    for (const name of ['nats', 's3', 'cdn']) expect(calls).toContain(`unwatch ${name}`);
    expect(calls).not.toContain('watch cdn');
    expect(store.get(KEY)).toBeNull();
  });
});

describe('what the CDN has just answered', () => {
  it.each([
    ['is followed up where nothing else has the key', nothing, true],
    ['is let go where the record has it', null, false],
  ])('%s', async (_what, look, isTaken) => {
    let discarded = 0;
    const vouched = { response: new Response('{}'), discard: () => void discarded++ };
    const { following, watchedWith } = setUp((offer) => ({ s3: look ?? (() => offer(5)) }), vouched);
    await following;
    expect(watchedWith).toEqual(isTaken ? [vouched] : []);
    // Of what is being read by now nothing is let go.
    expect(discarded).toBe(1);
  });
});
