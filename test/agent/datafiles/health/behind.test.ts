// An agent says that it is behind only when it lacks what was named a whole interval of beats ago.

import { describe, expect, it } from 'vitest';
import { Behind } from '../../../../agent/datafiles/health/behind.ts';
import type { Beat } from '../../../../core/bus/beat.ts';
import type { Lineage, Seq } from '../../../../core/ids.ts';
import type { Version } from '../../../../core/version.ts';
import { KEY, OTHER_KEY } from '../../support/fakes.ts';

const version = (seq: number, lineage = 'a'): Version => ({ lineage: lineage as Lineage, seq: seq as Seq });
const beatOf = (head: Version): Beat => ({ sentAtMs: 0, heads: new Map([[KEY, head]]) });

/** What is said at each beat. */
function said(...beats: [head: Version, held: Version | null][]) {
  const behind = new Behind();
  return beats.map(([head, held]) => behind.beat(beatOf(head), () => held));
}

describe('an agent that hears a beat', () => {
  it('says nothing of a head that may still be on its way', () => {
    expect(said([version(5), version(4)])).toEqual([[]]);
    expect(said([version(4), version(4)], [version(5), version(4)])).toEqual([[], []]);
  });

  it('says at every beat what it has lacked since the one before', () => {
    const lag = { sdkKey: KEY, seq: 4, headSeq: 5 };
    expect(
      said(
        [version(5), version(4)],
        [version(5), version(4)],
        [version(5), version(4)],
        [version(5), version(5)],
      ),
    ).toEqual([[], [lag], [lag], []]);
  });

  it('an agent that hears a beat is behind while heads run away from it', () => {
    expect(said([version(5), version(4)], [version(6), version(4)])[1]).toEqual([
      { sdkKey: KEY, seq: 4, headSeq: 6 },
    ]);
  });

  it('an agent that hears a beat is not behind with what came after the head, nor with a lineage that has just begun', () => {
    expect(said([version(5), version(6)], [version(5), version(6)])[1]).toEqual([]);
    expect(said([version(5), version(5)], [version(6, 'b'), version(5)])[1]).toEqual([]);
    expect(said([version(5), version(5)], [version(6, 'b'), version(6, 'b')])[1]).toEqual([]);
  });

  it('an agent that hears a beat is behind on a lineage that ended, and with a datafile that is not from the record', () => {
    expect(said([version(6, 'b'), version(9)], [version(6, 'b'), version(9)])[1]).toHaveLength(1);
    expect(said([version(1), version(0)], [version(1), version(0)])[1]).toHaveLength(1);
  });

  it('says nothing of keys that it does not follow', () => {
    const behind = new Behind();
    const heldOf = (sdkKey: unknown) => (sdkKey === OTHER_KEY ? version(1) : null);
    for (let i = 0; i < 2; i++) expect(behind.beat(beatOf(version(5)), heldOf)).toEqual([]);
  });
});
