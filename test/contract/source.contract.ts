// What every source must keep to, run against each of them (source.test.ts). A source that cannot do something by its
// nature says so with the reason.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Source } from '../../agent/datafiles/sources/source.ts';
import { sha256Of } from '../../core/ids.ts';
import { datafileBody, KEY, OTHER_KEY, RecordingSink } from '../agent/support/fakes.ts';
import { eventually } from '../support/eventually.ts';

/** A source with the place it reads from in the test's hands. */
export interface SourceRig {
  readonly source: Source;
  /** Puts a datafile where the source finds it; a higher revision each time. */
  publish(body: Buffer): Promise<void>;
  /** Makes the next looks see what has been published, where the source does not see it by itself. */
  look(): Promise<void>;
  /** Spoils the body that is published now, keeping what is said of it. */
  spoil(body: Buffer): Promise<void>;
  /** Makes the place unreachable. */
  breakDown(): Promise<void>;
  repair(): Promise<void>;
  close(): Promise<void>;
}

type Clause = 'follows' | 'outage' | 'spoilt';

export interface SourceContract {
  readonly name: string;
  readonly create: (sink: RecordingSink) => Promise<SourceRig>;
  /** Clauses that do not apply, each with the reason. */
  readonly skips?: Partial<Record<Clause, string>>;
}

export function describeSource({ name, create, skips = {} }: SourceContract): void {
  const clause = (which: Clause) => it.skipIf(skips[which] !== undefined);
  const because = (which: Clause) => (skips[which] === undefined ? '' : ` (does not apply: ${skips[which]})`);

  describe(`source ${name}`, () => {
    let sink: RecordingSink;
    let rig: SourceRig;

    beforeEach(async () => {
      sink = new RecordingSink();
      rig = await create(sink);
    });
    afterEach(() => rig.close());

    const offered = (revision: number) =>
      eventually(`revision ${revision} is offered`, () =>
        sink.offered.some((one) => one.revision === revision),
      );

    it('offers what is there when a key is watched, with its exact bytes and hash', async () => {
      const body = datafileBody(3);
      await rig.publish(body);
      await rig.source.watch(KEY);
      await offered(3);
      expect(sink.offered[0]).toMatchObject({
        sdkKey: KEY,
        revision: 3,
        sha256: sha256Of(body),
        source: name,
      });
      expect(Buffer.from(sink.bodies[0] as Uint8Array).equals(body)).toBe(true);
    });

    it('resolves the first look where there is nothing, and offers nothing', async () => {
      await rig.source.watch(OTHER_KEY);
      expect(sink.offered).toEqual([]);
    });

    it('keeps to the keys it was told to watch', async () => {
      await rig.publish(datafileBody(3));
      await rig.source.watch(OTHER_KEY);
      await rig.look();
      expect(sink.offered).toEqual([]);
    });

    clause('follows')(`offers each newer datafile${because('follows')}`, async () => {
      await rig.publish(datafileBody(3));
      await rig.source.watch(KEY);
      await rig.publish(datafileBody(4));
      await rig.look();
      await offered(4);
    });

    clause('follows')(`offers nothing more after unwatch${because('follows')}`, async () => {
      await rig.publish(datafileBody(3));
      await rig.source.watch(KEY);
      await offered(3);
      rig.source.unwatch(KEY);
      await rig.publish(datafileBody(4));
      await rig.look();
      expect(sink.offered.filter(({ revision }) => revision === 4)).toEqual([]);
    });

    clause('outage')(`tells of an outage without throwing, and recovers${because('outage')}`, async () => {
      await rig.breakDown();
      await rig.source.watch(KEY);
      await rig.look();
      await eventually('the failure is told', () => sink.failures.length > 0);
      expect(sink.failures[0]).toMatchObject({ source: name });
      await rig.repair();
      await rig.publish(datafileBody(5));
      await rig.look();
      await offered(5);
    });

    clause('spoilt')(
      `never hands out a body that is not what was announced${because('spoilt')}`,
      async () => {
        await rig.publish(datafileBody(3));
        await rig.spoil(datafileBody(3, { on: false }));
        await rig.source.watch(KEY);
        await rig.look();
        await eventually('it is noticed', () => sink.failures.length + sink.offered.length > 0);
        expect(sink.bodies).toEqual([]);
      },
    );

    it('can be stopped at any time, and offers nothing afterwards', async () => {
      const watching = rig.source.watch(KEY);
      await rig.source.stop();
      await watching;
      const before = sink.offered.length;
      await rig.publish(datafileBody(6));
      await rig.look();
      await rig.source.watch(KEY);
      expect(sink.offered.length).toBe(before);
    });
  });
}
