import { describe, expect, it } from 'vitest';
import { BACKOFF_MAX_MS, RecordSource } from '../../../../agent/datafiles/sources/record.ts';
import type { Candidate, OfferOutcome } from '../../../../agent/datafiles/sources/source.ts';
import { type ErrorCode, FanoutError } from '../../../../core/errors.ts';
import { HISTORY_MAX } from '../../../../core/record/manifest.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import {
  datafileBody,
  KEY,
  LINEAGE,
  MemoryRecord,
  OTHER_KEY,
  RecordingSink,
  settled,
} from '../../support/fakes.ts';

class AnsweringSink extends RecordingSink {
  answer: ((candidate: Candidate) => OfferOutcome) | null = null;

  override async offer(candidate: Candidate): Promise<OfferOutcome> {
    if (this.answer === null) return super.offer(candidate);
    this.offered.push(candidate);
    return this.answer(candidate);
  }
}

function setUp() {
  const sink = new AnsweringSink();
  const record = new MemoryRecord();
  const clock = new ManualClock();
  const state = { intervalMs: 5_000 };
  const looks: string[] = [];
  const source = new RecordSource(sink, {
    ...{ reader: record, clock, random: () => 0.5 },
    intervalMs: () => state.intervalMs,
    onLook: (look) => looks.push(look),
  });
  const pass = async (ms: number) => {
    clock.advance(ms);
    await settled();
  };
  return { sink, record, clock, state, looks, source, pass };
}

describe('the record source', () => {
  it('offers what the manifest names as the record itself', async () => {
    const { sink, record, source } = setUp();
    record.publish(KEY, datafileBody(4));
    await source.watch(KEY);
    expect(sink.offered).toHaveLength(1);
    expect(sink.offered[0]).toMatchObject({ seq: 1, revision: 4, fromRecord: true, lineage: LINEAGE });
  });

  it('reads a manifest only when it has changed, and confirms that it has not', async () => {
    const { sink, record, looks, source, pass } = setUp();
    record.publish(KEY, datafileBody(4));
    await source.watch(KEY);
    await pass(5_000);
    expect(looks).toEqual(['changed', 'unchanged']);
    expect(sink.offered).toHaveLength(1);
    expect(sink.confirmed).toMatchObject([{ sdkKey: KEY, version: { seq: 1, lineage: LINEAGE } }]);
  });

  it('waits as long as it is told to, and takes up a change of that at once', async () => {
    const { looks, state, source, pass } = setUp();
    state.intervalMs = 300_000;
    await source.watch(KEY);
    await pass(299_999);
    expect(looks).toEqual(['absent']);
    state.intervalMs = 5_000;
    source.reschedule();
    await pass(5_000);
    await pass(5_000);
    expect(looks).toHaveLength(3);
  });

  it('backs off to a minute while S3 is down', async () => {
    const { record, looks, source, pass } = setUp();
    record.down = true;
    await source.watch(KEY);
    for (let i = 0; i < 20; i++) await pass(BACKOFF_MAX_MS);
    expect(looks.length).toBeGreaterThanOrEqual(20);
    const before = looks.length;
    await pass(BACKOFF_MAX_MS - 1);
    expect(looks.length).toBe(before);
  });

  it('repeats a refresh that failed, without waiting for the long interval', async () => {
    const { sink, record, state, source, pass } = setUp();
    state.intervalMs = 300_000;
    await source.watch(KEY);
    record.down = true;
    await source.refresh(KEY);
    record.down = false;
    record.publish(KEY, datafileBody(4));
    await pass(1_000);
    expect(sink.seqs).toEqual([1]);
  });

  it('reads the manifest again while its body cannot be loaded', async () => {
    const { sink, record, source, pass } = setUp();
    const { bodyKey } = record.publish(KEY, datafileBody(4));
    const body = record.bodies.get(bodyKey) as Uint8Array;
    record.bodies.clear();
    await source.watch(KEY);
    expect(sink.bodies).toEqual([]);
    record.bodies.set(bodyKey, body);
    await pass(1_000);
    expect(sink.bodies).toHaveLength(1);
  });

  it('the record source does not read again what was refused for good', async () => {
    const { sink, record, looks, source, pass } = setUp();
    const error = new FanoutError({ code: 'DATAFILE_UNLOADABLE', message: '', remedy: '', retryable: false });
    sink.answer = () => ({ kind: 'rejected', code: error.code, final: true, error });
    record.publish(KEY, datafileBody(4));
    await source.watch(KEY);
    await pass(5_000);
    expect(looks).toEqual(['changed', 'unchanged']);
  });

  describe('under a head that is refused', () => {
    const refuse =
      (...seqs: number[]) =>
      ({ seq }: Candidate): OfferOutcome =>
        seqs.includes(seq) ? rejected('DATAFILE_UNLOADABLE', true) : { kind: 'accepted' };
    const rejected = (code: ErrorCode, final: boolean): OfferOutcome => {
      const error = new FanoutError({ code, message: '', remedy: '', retryable: !final });
      return { kind: 'rejected', code, final, error };
    };
    const published = (count: number) => {
      const it = setUp();
      for (let revision = 1; revision <= count; revision++) it.record.publish(KEY, datafileBody(revision));
      return it;
    };

    it('offers what was before it, newest first, until one is taken', async () => {
      const { sink, source } = published(6);
      sink.answer = refuse(6, 5, 4);
      await source.watch(KEY);
      expect(sink.seqs).toEqual([6, 5, 4, 3]);
      expect(sink.offered.at(-1)).toMatchObject({ revision: 3, changeId: 'change-3', lineage: LINEAGE });
      expect(sink.offered.map(({ fromRecord }) => fromRecord)).toEqual([true, true, true, true]);
      expect(sink.offered.map(({ fromHistory = false }) => fromHistory)).toEqual([false, true, true, true]);
      const body = await sink.offered.at(-1)?.load();
      expect(Buffer.from(body ?? []).equals(datafileBody(3))).toBe(true);
    });

    it('does so once, and again only when the manifest has changed', async () => {
      const { sink, record, looks, source, pass } = published(3);
      sink.answer = refuse(3);
      await source.watch(KEY);
      await pass(5_000);
      await pass(5_000);
      expect(looks).toEqual(['changed', 'unchanged', 'unchanged']);
      expect(sink.seqs).toEqual([3, 2]);
      record.publish(KEY, datafileBody(4));
      await pass(5_000);
      expect(sink.seqs).toEqual([3, 2, 4]);
    });

    it.each<[string, OfferOutcome]>([
      ['is taken', { kind: 'accepted' }],
      ['serves already', { kind: 'ignored', reason: 'same' }],
      ['is behind what serves', { kind: 'ignored', reason: 'older' }],
      ['is of a key that was let go', { kind: 'ignored', reason: 'unwatched' }],
      ['S3 did not give', rejected('RECORD_UNAVAILABLE', false)],
      ['no worker could look at', rejected('WORKERS_UNAVAILABLE', false)],
    ])('asks no further below a version that %s', async (_, answer) => {
      const { sink, source } = published(6);
      sink.answer = ({ seq }) => (seq === 5 ? answer : refuse(6)({ seq } as Candidate));
      await source.watch(KEY);
      expect(sink.seqs).toEqual([6, 5]);
    });

    it('passes over a version that was refused before, and tries all that there are', async () => {
      const { sink, source } = published(HISTORY_MAX + 10);
      sink.answer = () => ({ kind: 'ignored', reason: 'judged' });
      await source.watch(KEY);
      expect(sink.seqs).toHaveLength(HISTORY_MAX);
    });

    it.each<ErrorCode | 'UNEXPECTED'>(['BODY_MISSING', 'BODY_CORRUPT', 'UNEXPECTED'])(
      'whose code is %s it takes the one before, and looks again for the head',
      async (code) => {
        const { sink, looks, source, pass } = published(3);
        sink.answer = ({ seq }) => (seq === 3 ? rejected(code as ErrorCode, false) : { kind: 'accepted' });
        await source.watch(KEY);
        expect(sink.seqs).toEqual([3, 2]);
        sink.answer = () => ({ kind: 'accepted' });
        await pass(1_000);
        expect(sink.seqs).toEqual([3, 2, 3]);
        expect(looks).toEqual(['changed', 'failed', 'changed']);
      },
    );

    it('asks no further when S3 did not give the head', async () => {
      const { sink, source } = published(3);
      sink.answer = () => rejected('RECORD_UNAVAILABLE', false);
      await source.watch(KEY);
      expect(sink.seqs).toEqual([3]);
    });
  });

  it('looks at all keys when the bus has come up', async () => {
    const { record, looks, source, sink } = setUp();
    await source.watch(KEY);
    await source.watch(OTHER_KEY);
    record.publish(KEY, datafileBody(1));
    record.publish(OTHER_KEY, datafileBody(1, { sdkKey: OTHER_KEY }));
    await source.refreshAll();
    expect(looks).toEqual(['absent', 'absent', 'changed', 'changed']);
    expect(sink.offered).toHaveLength(2);
  });

  it('refuses a body that does not hash to its name', async () => {
    const { record, source } = setUp();
    const { sha256, bodyKey } = record.publish(KEY, datafileBody(4));
    record.bodies.set(bodyKey, datafileBody(5));
    await expect(source.loadBody(KEY, sha256)).rejects.toMatchObject({ code: 'BODY_CORRUPT' });
  });

  it('closes its reader and leaves no timer when it is stopped', async () => {
    const { record, clock, source } = setUp();
    await source.watch(KEY);
    await source.stop();
    expect(record.closed).toBe(true);
    expect(clock.waitingCount).toBe(0);
  });
});
