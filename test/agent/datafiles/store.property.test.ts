// The store under any offers in any order: seq never goes back (invariant 1), and the record has the last word.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Candidate } from '../../../agent/datafiles/sources/source.ts';
import { Store } from '../../../agent/datafiles/store.ts';
import type { Seq } from '../../../core/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { FakeBuilder, failure } from '../support/builder.ts';
import { candidateOf, datafileOf, KEY, LINEAGE, OTHER_LINEAGE } from '../support/fakes.ts';

describe('any candidates in any order', () => {
  const candidates = fc.array(
    fc.record({
      seq: fc.integer({ min: 0, max: 12 }),
      lineage: fc.constantFrom(LINEAGE, OTHER_LINEAGE),
      fromRecord: fc.boolean(),
      fails: fc.constantFrom(null, null, 'BODY_CORRUPT' as const, 'RECORD_UNAVAILABLE' as const),
      slowTurns: fc.integer({ min: 0, max: 6 }),
    }),
    { maxLength: 40 },
  );
  type Offered = typeof candidates extends fc.Arbitrary<(infer T)[]> ? T : never;

  const toCandidate = ({ seq, lineage, fromRecord, fails, slowTurns }: Offered): Candidate =>
    candidateOf(seq, {
      ...{ seq: seq as Seq, lineage, fromRecord, source: fromRecord ? 's3' : 'nats' },
      load: async () => {
        for (let i = 0; i < slowTurns; i++) await Promise.resolve();
        if (fails !== null) throw failure(fails);
        return datafileOf(seq).body;
      },
    });

  it('seq never goes down within a lineage, and only the record changes the lineage', async () => {
    await fc.assert(
      fc.asyncProperty(candidates, async (offers) => {
        const served: { lineage: string; seq: number; source: string }[] = [];
        const builder = new FakeBuilder();
        builder.refused.add(7);
        const onAccepted = (held: { lineage: string; seq: number; source: string }) => served.push(held);
        const store = new Store({ builder, clock: new ManualClock(), onAccepted });
        store.watch(KEY);
        await Promise.all(offers.map((offer) => store.offer(toCandidate(offer))));
        for (const [i, next] of served.entries()) {
          const previous = served[i - 1];
          if (previous === undefined || previous.seq === 0) continue;
          if (next.lineage === previous.lineage) expect(next.seq).toBeGreaterThan(previous.seq);
          else expect(next.source).toBe('s3');
        }
        // Everything that was built and is not served has been let go, once.
        const current = store.get(KEY)?.built;
        expect(builder.retired.length).toBe(served.length - (current === undefined ? 0 : 1));
      }),
      { numRuns: 300 },
    );
  });

  it('the store serves the record offered last, with any hints before or between', async () => {
    await fc.assert(
      fc.asyncProperty(candidates, fc.integer({ min: 13, max: 20 }), async (offers, head) => {
        const store = new Store({ builder: new FakeBuilder(), clock: new ManualClock() });
        store.watch(KEY);
        const last = toCandidate({
          seq: head,
          lineage: LINEAGE,
          fromRecord: true,
          fails: null,
          slowTurns: 3,
        });
        await Promise.all(offers.map((offer) => store.offer(toCandidate(offer))));
        await store.offer(last);
        expect(store.get(KEY)).toMatchObject({ seq: head, lineage: LINEAGE });
      }),
      { numRuns: 200 },
    );
  });
});
