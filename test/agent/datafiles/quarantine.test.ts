// Which versions an agent counts as refused, and what it says of them when it is asked.

import { describe, expect, it } from 'vitest';
import { Quarantine } from '../../../agent/datafiles/quarantine.ts';
import type { Candidate, OfferOutcome } from '../../../agent/datafiles/sources/source.ts';
import { decodeReport, REPORT_JITTER_MS } from '../../../core/bus/refusal-reports.ts';
import type { SdkKey, Seq } from '../../../core/ids.ts';
import type { Version } from '../../../core/version.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { candidateOf, KEY, LINEAGE, MemoryLog, OTHER_KEY, OTHER_LINEAGE } from '../support/fakes.ts';

const fromRecord = (seq: number, more: Partial<Candidate> = {}) =>
  candidateOf(seq, { source: 's3', fromRecord: true, ...more });
const rejected = (code = 'DATAFILE_UNDECIDABLE'): OfferOutcome => ({
  ...{ kind: 'rejected', code, final: true, error: new Error(code) },
});
const ACCEPTED: OfferOutcome = { kind: 'accepted' };
const ASK_ALL = { sentAtMs: 0, askShare: 1, heads: new Map([[KEY, { lineage: LINEAGE, seq: 2 as Seq }]]) };

function setUp(random: () => number = () => 0.5) {
  const clock = new ManualClock();
  const log = new MemoryLog();
  const held = new Map<SdkKey, Version>([[KEY, { lineage: LINEAGE, seq: 1 as Seq }]]);
  const said: { subject: string; payload: Uint8Array }[] = [];
  const quarantine = new Quarantine({
    ...{ clock, random, log },
    heldOf: (sdkKey) => held.get(sdkKey) ?? null,
    serves: (sdkKey) => sdkKey === KEY,
    channel: () => ({ publish: (subject, payload) => void said.push({ subject, payload }) }),
  });
  return { clock, log, held, said, quarantine };
}

describe('a version is quarantined', () => {
  it('when the record has it and it cannot be loaded or decided, once', () => {
    const { quarantine, log, clock } = setUp();
    quarantine.judged(fromRecord(2), rejected());
    quarantine.judged(fromRecord(2), rejected());
    const sinceMs = clock.nowMs();
    expect(quarantine.of(KEY)).toEqual({
      ...{ lineage: LINEAGE, seq: 2, revision: 2, code: 'DATAFILE_UNDECIDABLE', sinceMs },
    });
    expect(quarantine.count).toBe(1);
    expect(log.of('version.quarantined')).toHaveLength(1);
  });

  it.each<[string, Candidate, OfferOutcome]>([
    ['a message on the bus, whose sender may not be the publisher', candidateOf(2), rejected()],
    ['a body that was spoilt on its way', fromRecord(2), rejected('BODY_CORRUPT')],
    ['a record that was not there', fromRecord(2), rejected('RECORD_UNAVAILABLE')],
    ['a signature', fromRecord(2), rejected('SIGNATURE_UNKNOWN')],
    ['what was tried in the place of a head', fromRecord(1, { fromHistory: true }), rejected()],
    ['what is known already', fromRecord(2), { kind: 'ignored', reason: 'same' }],
  ])('not for %s', (_, candidate, outcome) => {
    const { quarantine } = setUp();
    quarantine.judged(candidate, outcome);
    expect(quarantine.of(KEY)).toBeNull();
  });

  it('until a later one is accepted, wherever it comes from', () => {
    const { quarantine } = setUp();
    quarantine.judged(fromRecord(2), rejected());
    quarantine.judged(candidateOf(3), ACCEPTED);
    expect(quarantine.of(KEY)).toBeNull();
  });

  it('also while an earlier one is taken from the cache, the CDN or the history', () => {
    const { quarantine } = setUp();
    quarantine.judged(fromRecord(2), rejected());
    quarantine.judged(fromRecord(1, { fromHistory: true }), ACCEPTED);
    quarantine.judged(candidateOf(1, { source: 'disk' }), ACCEPTED);
    quarantine.judged(candidateOf(9, { source: 'cdn', seq: 0 as Seq, lineage: OTHER_LINEAGE }), ACCEPTED);
    expect(quarantine.of(KEY)?.seq).toBe(2);
    quarantine.judged(fromRecord(1, { lineage: OTHER_LINEAGE }), ACCEPTED);
    expect(quarantine.of(KEY)).toBeNull();
  });

  it('until its key is not served any more', () => {
    const { quarantine } = setUp();
    quarantine.judged(fromRecord(2), rejected());
    quarantine.forget(KEY);
    expect(quarantine.all().size).toBe(0);
  });
});

describe('asked by a beat, an agent', () => {
  it('says what it serves and what it refuses, some time later', () => {
    const { quarantine, said, clock } = setUp();
    quarantine.judged(fromRecord(2), rejected());
    quarantine.beat(ASK_ALL);
    expect(said).toEqual([]);
    clock.advance(REPORT_JITTER_MS);
    const report = decodeReport(said[0]?.payload ?? new Uint8Array(0));
    expect(said[0]?.subject).toBe(`canary.v1.${report?.agent}`);
    expect(report?.keys).toEqual(
      new Map([[KEY, { lineage: LINEAGE, seq: 1, quarantined: { seq: 2, code: 'DATAFILE_UNDECIDABLE' } }]]),
    );
  });

  it('says it in words of the refused lineage, where it serves another', () => {
    const { quarantine } = setUp();
    quarantine.judged(fromRecord(4, { lineage: OTHER_LINEAGE }), rejected());
    expect(quarantine.report([KEY]).keys.get(KEY)).toMatchObject({
      ...{ lineage: OTHER_LINEAGE, seq: 0, quarantined: { seq: 4 } },
    });
  });

  it('says that it is well, too: the share is of all', () => {
    const { quarantine } = setUp();
    expect(quarantine.report([KEY, OTHER_KEY]).keys).toEqual(
      new Map([[KEY, { lineage: LINEAGE, seq: 1, quarantined: null }]]),
    );
  });

  it('is silent when it is not asked, not in the share, or has nothing to say', () => {
    const unasked = setUp();
    unasked.quarantine.beat({ ...ASK_ALL, askShare: 0 });
    const { askShare: _, ...old } = ASK_ALL;
    unasked.quarantine.beat(old);
    unasked.quarantine.beat({ ...ASK_ALL, askShare: 0.5 });
    unasked.clock.advance(REPORT_JITTER_MS);
    expect(unasked.said).toEqual([]);
    const empty = setUp();
    empty.held.clear();
    empty.quarantine.beat(ASK_ALL);
    empty.clock.advance(REPORT_JITTER_MS);
    expect(empty.said).toEqual([]);
  });

  it('answers once, however often it is asked meanwhile', () => {
    const { quarantine, said, clock } = setUp();
    for (let i = 0; i < 10; i++) quarantine.beat(ASK_ALL);
    clock.advance(REPORT_JITTER_MS);
    expect(said).toHaveLength(1);
  });
});
