import { describe, expect, it } from 'vitest';
import type { OfferOutcome } from '../../../agent/datafiles/sources/source.ts';
import { Store } from '../../../agent/datafiles/store.ts';
import type { Seq, Sha256 } from '../../../core/ids.ts';
import { HISTORY_MAX } from '../../../core/record/manifest.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeBuilder, failure } from '../support/builder.ts';
import { candidateOf, datafileOf, KEY, LINEAGE, OTHER_KEY, OTHER_LINEAGE } from '../support/fakes.ts';

function setUp() {
  const builder = new FakeBuilder();
  const clock = new ManualClock();
  const accepted: number[] = [];
  const store = new Store({ builder, clock, onAccepted: (held) => accepted.push(held.seq) });
  store.watch(KEY);
  return { store, builder, clock, accepted };
}

const reasonOf = (outcome: OfferOutcome) => (outcome.kind === 'ignored' ? outcome.reason : outcome.kind);

describe('the store', () => {
  it('serves the first candidate, and then only newer ones', async () => {
    const { store, accepted } = setUp();
    expect(store.get(KEY)).toBeNull();
    expect(reasonOf(await store.offer(candidateOf(5)))).toBe('accepted');
    expect(reasonOf(await store.offer(candidateOf(5)))).toBe('same');
    expect(reasonOf(await store.offer(candidateOf(4)))).toBe('older');
    expect(reasonOf(await store.offer(candidateOf(6)))).toBe('accepted');
    expect(accepted).toEqual([5, 6]);
    expect(store.get(KEY)).toMatchObject({ seq: 6, revision: 6, built: 6, projectId: '10001' });
  });

  it('goes by seq and not by revision, so that a rollback is taken', async () => {
    const { store } = setUp();
    await store.offer(candidateOf(9, { seq: 3 as Seq }));
    await store.offer(candidateOf(7, { seq: 4 as Seq }));
    expect(store.get(KEY)).toMatchObject({ seq: 4, revision: 7 });
  });

  it('the store does not load what it will not take', async () => {
    const { store, builder } = setUp();
    await store.offer(candidateOf(5));
    const load = () => Promise.reject(new Error('must not be called'));
    expect(reasonOf(await store.offer(candidateOf(4, { load })))).toBe('older');
    expect(reasonOf(await store.offer(candidateOf(5, { load })))).toBe('same');
    expect(builder.builds).toBe(1);
  });

  it('ignores keys that are not watched, also when they were let go meanwhile', async () => {
    const { store, builder } = setUp();
    expect(reasonOf(await store.offer(candidateOf(1, { sdkKey: OTHER_KEY })))).toBe('unwatched');
    const slow = store.offer(candidateOf(2));
    store.forget(KEY);
    expect(reasonOf(await slow)).toBe('unwatched');
    expect(store.get(KEY)).toBeNull();
    expect(builder.retired.length).toBe(builder.builds);
  });

  it('retires what was served before exactly once, after the swap', async () => {
    const { store, builder } = setUp();
    await store.offer(candidateOf(1));
    await store.offer(candidateOf(2));
    expect(builder.retired).toEqual([1]);
    store.forget(KEY);
    expect(builder.retired).toEqual([1, 2]);
  });

  it('lets a newer candidate pass one whose body is slow, and then drops the slow one', async () => {
    const { store } = setUp();
    let arrive = (_: Uint8Array) => {};
    const body = new Promise<Uint8Array>((resolve) => {
      arrive = resolve;
    });
    const slow = store.offer(candidateOf(2, { load: () => body }));
    expect(reasonOf(await store.offer(candidateOf(3)))).toBe('accepted');
    arrive(datafileOf(2).body);
    expect(reasonOf(await slow)).toBe('older');
    expect(store.get(KEY)?.seq).toBe(3);
  });

  it('goes on after something it told of a swap has failed', async () => {
    const builder = new FakeBuilder();
    let failing = true;
    const onAccepted = () => {
      if (failing) throw new Error('listener');
    };
    const store = new Store({ builder, clock: new ManualClock(), onAccepted });
    store.watch(KEY);
    await expect(store.offer(candidateOf(1))).rejects.toThrow('listener');
    failing = false;
    expect(reasonOf(await store.offer(candidateOf(2)))).toBe('accepted');
  });

  it('serves the old one until the new one is built', async () => {
    const { store, builder } = setUp();
    await store.offer(candidateOf(1));
    let open = () => {};
    builder.gate = new Promise((resolve) => {
      open = resolve;
    });
    const offer = store.offer(candidateOf(2));
    await Promise.resolve();
    expect(store.get(KEY)?.built).toBe(1);
    open();
    await offer;
    expect(store.get(KEY)?.built).toBe(2);
  });
});

describe('a candidate that cannot be served', () => {
  it('changes nothing and is not built again', async () => {
    const { store, builder } = setUp();
    await store.offer(candidateOf(1));
    builder.refused.add(2);
    expect(await store.offer(candidateOf(2))).toMatchObject({
      kind: 'rejected',
      code: 'DATAFILE_UNLOADABLE',
    });
    expect(reasonOf(await store.offer(candidateOf(2)))).toBe('judged');
    expect(builder.builds).toBe(2);
    expect(store.get(KEY)?.seq).toBe(1);
    expect(reasonOf(await store.offer(candidateOf(3)))).toBe('accepted');
  });

  it('a candidate that cannot be served does not mask the good body that the record has under the same seq', async () => {
    const { store } = setUp();
    await store.offer(candidateOf(1));
    const load = () => Promise.reject(failure('BODY_CORRUPT'));
    expect(reasonOf(await store.offer(candidateOf(2, { load })))).toBe('rejected');
    expect(reasonOf(await store.offer(candidateOf(2, { load })))).toBe('judged');
    expect(reasonOf(await store.offer(candidateOf(2, { source: 's3', fromRecord: true })))).toBe('accepted');
    expect(store.get(KEY)).toMatchObject({ seq: 2, source: 's3' });
  });

  it('a candidate that cannot be served may be offered again when only its body could not be fetched', async () => {
    const { store } = setUp();
    const load = () => Promise.reject(failure('RECORD_UNAVAILABLE'));
    const outcome = await store.offer(candidateOf(2, { load, fromRecord: true }));
    expect(outcome).toMatchObject({ kind: 'rejected', final: false });
    expect(reasonOf(await store.offer(candidateOf(2, { fromRecord: true })))).toBe('accepted');
  });

  it('remembers a bounded number of them', async () => {
    const { store, builder } = setUp();
    const many = HISTORY_MAX + 40;
    for (let seq = 1; seq <= many; seq++) builder.refused.add(seq);
    for (let seq = 1; seq <= many; seq++) await store.offer(candidateOf(seq));
    // The whole history of a manifest: none of it is loaded again whenever the manifest changes.
    for (let seq = many - HISTORY_MAX + 1; seq <= many; seq++)
      expect(reasonOf(await store.offer(candidateOf(seq)))).toBe('judged');
    expect(reasonOf(await store.offer(candidateOf(1)))).toBe('rejected');
  });
});

describe('a version out of the history', () => {
  const past = (seq: number) => candidateOf(seq, { source: 's3', fromRecord: true, fromHistory: true });

  it('a version out of the history is taken where nothing newer serves, and is never counted as seen to be the head', async () => {
    const { store } = setUp();
    expect(reasonOf(await store.offer(past(3)))).toBe('accepted');
    expect(reasonOf(await store.offer(past(3)))).toBe('same');
    expect(store.verifiedAtMs(KEY)).toBeNull();
    await store.offer(candidateOf(3));
    expect(store.verifiedAtMs(KEY)).not.toBeNull();
  });

  it('a version out of the history never takes the place of a later one of its lineage', async () => {
    const { store, accepted } = setUp();
    await store.offer(candidateOf(4));
    expect(reasonOf(await store.offer(past(3)))).toBe('older');
    expect(accepted).toEqual([4]);
  });
});

describe('lineage', () => {
  it('lineage of another kind makes it ask the record, and the record decides', async () => {
    const { store } = setUp();
    await store.offer(candidateOf(9));
    const stranger = candidateOf(1, { lineage: OTHER_LINEAGE });
    expect(reasonOf(await store.offer(stranger))).toBe('ask-record');
    expect(reasonOf(await store.offer({ ...stranger, source: 's3', fromRecord: true }))).toBe('accepted');
    expect(reasonOf(await store.offer(candidateOf(10)))).toBe('ask-record');
    expect(store.get(KEY)).toMatchObject({ lineage: OTHER_LINEAGE, seq: 1 });
  });
});

describe('a datafile that is not from the record', () => {
  const cdn = (revision: number, lastModifiedMs: number | null = null, sha256?: Sha256) =>
    candidateOf(revision, {
      seq: 0 as Seq,
      source: 'cdn',
      lastModifiedMs,
      ...(sha256 === undefined ? {} : { sha256 }),
    });

  it('gives way to anything from the record, also to an older revision', async () => {
    const { store } = setUp();
    await store.offer(cdn(9));
    expect(reasonOf(await store.offer(candidateOf(8, { seq: 1 as Seq })))).toBe('accepted');
    expect(reasonOf(await store.offer(cdn(10)))).toBe('older');
  });

  it('a datafile that is not from the record is replaced by a newer revision from the CDN, and by no older one', async () => {
    const { store } = setUp();
    await store.offer(cdn(9, 100));
    expect(reasonOf(await store.offer(cdn(8, 200)))).toBe('older');
    expect(reasonOf(await store.offer(cdn(9, 200)))).toBe('same');
    expect(reasonOf(await store.offer(cdn(10, 50)))).toBe('accepted');
  });
});

describe('when a datafile was last seen to be current', () => {
  it('is told by every look that finds the very version', async () => {
    const { store, clock } = setUp();
    await store.offer(candidateOf(1, { source: 'disk' }));
    expect(store.verifiedAtMs(KEY)).toBeNull();
    clock.advance(1_000);
    store.confirm(KEY, { lineage: LINEAGE, seq: 2 as Seq });
    expect(store.verifiedAtMs(KEY)).toBeNull();
    store.confirm(KEY, { lineage: LINEAGE, seq: 1 as Seq });
    expect(store.verifiedAtMs(KEY)).toBe(clock.nowMs());
    clock.advance(1_000);
    await store.offer(candidateOf(1, { source: 's3', fromRecord: true }));
    expect(store.verifiedAtMs(KEY)).toBe(clock.nowMs());
  });
});
