// When a key counts as served by an earlier version than the head of the record, and how often that is said.

import { describe, expect, it } from 'vitest';
import { LastGood } from '../../../agent/datafiles/last-good.ts';
import type { Candidate, OfferOutcome } from '../../../agent/datafiles/sources/source.ts';
import type { Seq } from '../../../core/ids.ts';
import type { Version } from '../../../core/version.ts';
import { candidateOf, KEY, LINEAGE, MemoryLog, OTHER_LINEAGE } from '../support/fakes.ts';

const head = (seq: number, more: Partial<Candidate> = {}) =>
  candidateOf(seq, { source: 's3', fromRecord: true, ...more });
const past = (seq: number) => head(seq, { fromHistory: true });
const rejected = (code = 'DATAFILE_INVALID', final = true): OfferOutcome => ({
  ...{ kind: 'rejected', code, final, error: new Error(code) },
});
const ACCEPTED: OfferOutcome = { kind: 'accepted' };
const SAME: OfferOutcome = { kind: 'ignored', reason: 'same' };
const OLDER: OfferOutcome = { kind: 'ignored', reason: 'older' };

function setUp(heldSeq: number | null) {
  const log = new MemoryLog();
  const serves = (seq: number) => ({ lineage: LINEAGE, seq: seq as Seq, revision: seq });
  let held: (Version & { revision: number }) | null = heldSeq === null ? null : serves(heldSeq);
  const lastGood = new LastGood({ log, nowMs: () => 7, heldOf: () => held });
  const accept = (candidate: Candidate) => {
    held = candidate;
    lastGood.judged(candidate, ACCEPTED);
  };
  return { lastGood, accept, log };
}

describe('an earlier version serves', () => {
  it.each([
    ['DATAFILE_UNLOADABLE', true],
    ['SIGNATURE_UNTRUSTED', true],
    ['BODY_MISSING', false],
    ['BODY_CORRUPT', false],
  ])('when what serves has to stay, as the head is %s', (code, final) => {
    const { lastGood, log } = setUp(1);
    lastGood.judged(head(2), rejected(code, final));
    lastGood.judged(head(2), rejected(code, final));
    lastGood.judged(past(1), SAME);
    expect(lastGood.of(KEY)).toEqual({ lineage: LINEAGE, seq: 2, revision: 2, code, sinceMs: 7 });
    expect(log.of('version.last-good')).toMatchObject([
      { level: 'warn', fields: { sdkKey: KEY, seq: 1, headSeq: 2, headRevision: 2, code } },
    ]);
  });

  it('when nothing served, from when one is taken out of the history', () => {
    const { lastGood, accept, log } = setUp(null);
    lastGood.judged(head(3), rejected());
    lastGood.judged(past(2), rejected());
    expect(lastGood.of(KEY)).toBeNull();
    expect(log.of('version.last-good')).toEqual([]);
    accept(past(1));
    expect(lastGood.of(KEY)).toMatchObject({ seq: 3 });
    expect(log.of('version.last-good')).toMatchObject([{ fields: { seq: 1, headSeq: 3 } }]);
  });

  it('not when the head could not be read', () => {
    const { lastGood } = setUp(1);
    lastGood.judged(head(2), rejected('RECORD_UNAVAILABLE', false));
    expect(lastGood.of(KEY)).toBeNull();
  });

  it('an earlier version does not serve when a bus message is refused, as its sender may not be the publisher', () => {
    const { lastGood } = setUp(1);
    lastGood.judged(candidateOf(2), rejected());
    expect(lastGood.of(KEY)).toBeNull();
  });

  it('not when what serves is straight from the CDN', () => {
    const { lastGood } = setUp(0);
    lastGood.judged(head(2), rejected());
    expect(lastGood.of(KEY)).toBeNull();
  });
});

describe('it does so until', () => {
  const refused = () => {
    const it = setUp(1);
    it.lastGood.judged(head(2), rejected('BODY_MISSING', false));
    expect(it.lastGood.of(KEY)).not.toBeNull();
    return it;
  };

  it('a later version is taken, wherever it comes from', () => {
    const { lastGood, accept } = refused();
    accept(candidateOf(3));
    expect(lastGood.of(KEY)).toBeNull();
  });

  it('the head itself is taken after all', () => {
    const { lastGood, accept } = refused();
    accept(head(2));
    expect(lastGood.of(KEY)).toBeNull();
  });

  it('the record is back at what serves', () => {
    const { lastGood } = refused();
    lastGood.judged(head(1), SAME);
    expect(lastGood.of(KEY)).toBeNull();
  });

  it('another lineage has a head that is good', () => {
    const { lastGood, accept } = refused();
    accept(head(1, { lineage: OTHER_LINEAGE }));
    expect(lastGood.of(KEY)).toBeNull();
  });

  it('the key is let go', () => {
    const { lastGood } = refused();
    lastGood.forget(KEY);
    expect(lastGood.of(KEY)).toBeNull();
  });

  it('none of these: a late message, or an earlier version, says nothing of the head', () => {
    const { lastGood } = refused();
    lastGood.judged(candidateOf(1), OLDER);
    lastGood.judged(past(1), SAME);
    expect(lastGood.of(KEY)).toMatchObject({ seq: 2 });
  });

  it('another head is refused, which is said anew', () => {
    const { lastGood, log } = refused();
    lastGood.judged(head(3), rejected());
    expect(lastGood.of(KEY)).toMatchObject({ seq: 3, code: 'DATAFILE_INVALID' });
    expect(log.of('version.last-good').map(({ fields }) => fields.headSeq)).toEqual([2, 3]);
  });
});
