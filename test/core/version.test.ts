import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Lineage, Seq, Sha256 } from '../../core/ids.ts';
import { judgeCandidate, judgePublication, type Publication, type Version } from '../../core/version.ts';

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

  it('never goes back within a lineage, whatever arrives in whatever order', () => {
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
