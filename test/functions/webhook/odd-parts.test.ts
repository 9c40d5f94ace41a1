// One odd part of a datafile, or one dead key, holds up nothing else.

import { beforeEach, describe, expect, it } from 'vitest';
import { datafileOf, failure, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps, turnsUntil } from '../../support/functions/fakes.ts';
import { sendWebhook } from '../../support/functions/webhooks.ts';

let deps: FakeDeps;
beforeEach(() => {
  deps = fakeDeps();
});

const webhook = (revision: number, environment?: string) => sendWebhook(deps, revision, environment);

describe('a change', () => {
  it('a change of a good key waits for none that is denied', async () => {
    const { cdn, clock } = deps;
    const ask = cdn.fetch.bind(cdn);
    cdn.serve(datafileOf(4, { sdkKey: 'TwinA' }));
    cdn.fetch = async (source, ...rest) => {
      if (source.sdkKey !== 'TwinB') return ask(source, ...rest);
      // No answer for the one before the other is told of.
      await turnsUntil(() => deps.bus.published.length === 1);
      clock.advance(300);
      throw failure('CDN_DENIED');
    };
    expect(await webhook(4, 'Twins')).toBe(202);
    expect(deps.record.swaps).toMatchObject([{ sdkKey: 'TwinA', revision: 4 }]);
  });

  it('a change with parts that are not understood is published all the same, and it is said once which', async () => {
    const holdout = { id: '77001', key: 'q', status: 'Running', variations: [], trafficAllocation: [] };
    const stale = { id: '1', key: 'checkout', rolloutId: '', experimentIds: ['gone'], variables: [] };
    deps.cdn.serve(datafileOf(1, { more: { localHoldouts: [holdout], featureFlags: [stale] } }));
    expect(await webhook(1)).toBe(204);
    expect(await webhook(1)).toBe(204);
    expect(deps.bus.published).toHaveLength(1);
    expect(deps.lines.filter(({ event }) => event === 'datafile.left-out')).toEqual([
      expect.objectContaining({
        ...{ level: 'warn', sdkKey: KEY, seq: 1, revision: 1, leftOut: 2, flagKeys: ['checkout'] },
        parts: ['holdout "q" names no rules', 'experiment "gone" is not in the datafile (flag "checkout")'],
      }),
    ]);
    expect(deps.counts.get('DatafileLeftOut')).toBe(2);
  });
});
