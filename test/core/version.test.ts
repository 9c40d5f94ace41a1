import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lineage, Seq, Sha256 } from '../../core/ids.ts';
import { newLineage } from '../../core/record/lineage.ts';
import {
  isBehind,
  isLater,
  isLaterRevision,
  isOfRecord,
  isSame,
  judgeCandidate,
  judgePublication,
  newestFirst,
  type Publication,
  reaches,
  reachesRevision,
  type Version,
} from '../../core/version.ts';

const version = (lineage: string, seq: number): Version => ({ lineage: lineage as Lineage, seq: seq as Seq });
const publication = (revision: number, sha: string, lastModifiedMs: number | null): Publication => ({
  revision,
  sha256: sha as Sha256,
  lastModifiedMs,
});

describe('what an agent does with a candidate', () => {
  it.each([
    ['has nothing yet', null, version('a', 7), false, 'take'],
    ['booted from the CDN only', version('', 0), version('a', 1), false, 'take'],
    ['booted from the CDN, meets the CDN again', version('', 0), version('', 0), false, 'same'],
    ['has the record, meets the CDN', version('a', 3), version('', 0), false, 'older'],
    ['meets a higher seq', version('a', 3), version('a', 4), false, 'take'],
    ['meets its own seq', version('a', 3), version('a', 3), false, 'same'],
    ['meets a lower seq', version('a', 3), version('a', 2), false, 'older'],
    ['meets a lower seq, even from S3', version('a', 3), version('a', 2), true, 'older'],
    ['meets another lineage on the bus', version('a', 3), version('b', 9), false, 'ask-record'],
    ['meets another lineage in S3', version('a', 3), version('b', 1), true, 'take'],
  ] as const)('%s', (_, held, candidate, fromRecord, verdict) => {
    expect(judgeCandidate(held, candidate, fromRecord)).toBe(verdict);
  });

  it('an agent never goes back within a lineage, with any candidates in any order', () => {
    const arrivals = fc.array(
      fc.record({ lineage: fc.constantFrom('a', 'b'), seq: fc.nat(20), fromRecord: fc.boolean() }),
    );
    fc.assert(
      fc.property(arrivals, (candidates) => {
        let held: Version | null = null;
        for (const { lineage, seq, fromRecord } of candidates) {
          const candidate = version(lineage, seq);
          if (judgeCandidate(held, candidate, fromRecord) !== 'take') continue;
          if (held !== null && held.seq > 0 && held.lineage === candidate.lineage) {
            expect(candidate.seq).toBeGreaterThan(held.seq);
          }
          if (held !== null && held.seq > 0 && held.lineage !== candidate.lineage)
            expect(fromRecord).toBe(true);
          held = candidate;
        }
      }),
    );
  });

  it('ends at the highest seq of the lineage in every order of arrival', () => {
    const shuffled = fc.uniqueArray(fc.integer({ min: 1, max: 1000 }), { minLength: 1 });
    fc.assert(
      fc.property(shuffled, (seqs) => {
        let held: Version | null = null;
        for (const seq of seqs)
          if (judgeCandidate(held, version('a', seq), false) === 'take') held = version('a', seq);
        expect(held?.seq).toBe(Math.max(...seqs));
      }),
    );
  });
});

describe('what the publisher does with a datafile', () => {
  const current = publication(7, 'aa', 1_000);

  it.each([
    ['the first one', null, publication(3, 'bb', null), 'advance'],
    ['a higher revision', current, publication(8, 'bb', null), 'advance'],
    ['a higher revision with an older Last-Modified', current, publication(8, 'bb', 1), 'advance'],
    ['the same bytes', current, publication(7, 'aa', 9_000), 'same'],
    ['a lower revision', current, publication(6, 'bb', 9_000), 'older'],
    ['equal revision, other bytes, newer', current, publication(7, 'bb', 1_001), 'refresh'],
    ['equal revision, other bytes, same age', current, publication(7, 'bb', 1_000), 'older'],
    ['equal revision, other bytes, older', current, publication(7, 'bb', 999), 'older'],
    ['equal revision, other bytes, no date', current, publication(7, 'bb', null), 'older'],
  ] as const)('%s', (_, from, next, verdict) => {
    expect(judgePublication(from, next)).toBe(verdict);
  });

  it('does not swing between two CDN edges that disagree', () => {
    const edge = fc.record({
      revision: fc.integer({ min: 1, max: 5 }),
      sha: fc.constantFrom('x', 'y', 'z'),
      at: fc.nat(5),
    });
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 60 }), (answers) => {
        let held: Publication | null = null;
        for (const { revision, sha, at } of answers) {
          const next = publication(revision, sha, at);
          const verdict = judgePublication(held, next);
          if (verdict !== 'advance' && verdict !== 'refresh') continue;
          if (held !== null) {
            const forward: boolean =
              next.revision > held.revision ||
              (next.revision === held.revision && (next.lastModifiedMs ?? 0) > (held.lastModifiedMs ?? 0));
            expect(forward).toBe(true);
          }
          held = next;
        }
      }),
    );
  });
});

describe('two versions of one key', () => {
  const [early, late] = [newLineage(1_000, 'early'), newLineage(2_000, 'late')];

  it.each([
    [
      'the same',
      version(early, 3),
      version(early, 3),
      { same: true, reaches: true, behind: false, later: false },
    ],
    [
      'a later seq',
      version(early, 4),
      version(early, 3),
      { same: false, reaches: true, behind: false, later: true },
    ],
    [
      'an earlier seq',
      version(early, 2),
      version(early, 3),
      { same: false, reaches: false, behind: true, later: false },
    ],
    [
      'a later lineage',
      version(late, 1),
      version(early, 3),
      { same: false, reaches: false, behind: false, later: true },
    ],
    [
      'an earlier lineage',
      version(early, 9),
      version(late, 1),
      { same: false, reaches: false, behind: false, later: false },
    ],
    [
      'lineages without a time',
      version('a', 9),
      version('b', 1),
      { same: false, reaches: false, behind: false, later: false },
    ],
  ])('compare %s', (_, a, b, expected) => {
    expect({
      same: isSame(a, b),
      reaches: reaches(a, b),
      behind: isBehind(a, b),
      later: isLater(a, b),
    }).toEqual(expected);
  });

  it('two versions of one key are never both later than each other, and one of two different ones with times of birth is', () => {
    const any = fc.record({ lineage: fc.constantFrom(early, late), seq: fc.integer({ min: 1, max: 5 }) });
    fc.assert(
      fc.property(any, any, (one, other) => {
        const [a, b] = [version(one.lineage, one.seq), version(other.lineage, other.seq)];
        expect(Number(isLater(a, b)) + Number(isLater(b, a))).toBe(isSame(a, b) ? 0 : 1);
        expect(isBehind(a, b)).toBe(reaches(b, a) && !isSame(a, b));
      }),
    );
  });

  it('two versions of one key are put in order by seq, the newest first, and seq 0 is not of the record', () => {
    const versions = [1, 3, 0, 2].map((seq) => version('a', seq));
    expect(versions.sort(newestFirst).map(({ seq }) => seq)).toEqual([3, 2, 1, 0]);
    expect(versions.map(isOfRecord)).toEqual([true, true, true, false]);
  });
});

describe('revisions', () => {
  it('revisions are reached by an equal or a later one, and by none that is not there', () => {
    expect([4, 5, 6].map((revision) => reachesRevision({ revision }, 5))).toEqual([false, true, true]);
    expect([reachesRevision(null, 0), reachesRevision(undefined, 0)]).toEqual([false, false]);
    expect([4, 5, 6].map((revision) => isLaterRevision({ revision }, { revision: 5 }))).toEqual([
      false,
      false,
      true,
    ]);
  });
});
