// The beat goes out also after failures, and names the keys whose manifest was read. The failure of one key stops no other.

import { beforeEach, describe, expect, it } from 'vitest';
import { type Lineage, toSdkKey } from '../../../core/ids.ts';
import { reconcileKeys } from '../../../functions/reconcile/reconcile-keys.ts';
import { datafileOf, failure, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';
import { projectsOf } from '../../support/functions/webhooks.ts';

const OTHER = toSdkKey('OtherKey');
let deps: FakeDeps;
beforeEach(() => {
  deps = fakeDeps();
  deps.cdn.serve(datafileOf(1));
});
const run = (...sdkKeys: string[]) =>
  reconcileKeys(deps, { projects: projectsOf(...(sdkKeys.length > 0 ? sdkKeys : [KEY])), role: 'home' });

describe('the beat', () => {
  it('names the head of every key', async () => {
    await run();
    const { lineage, seq } = deps.record.headOf() ?? { lineage: '' as Lineage, seq: 0 };
    expect(deps.bus.beats).toHaveLength(1);
    expect(deps.bus.beats[0]?.heads.get(KEY)).toMatchObject({ lineage, seq });
  });

  it('goes out although a key fails, without it; the other keys are healed, and the run fails', async () => {
    const { readManifest } = deps.record;
    deps.record.readManifest = async (sdkKey) => {
      if (sdkKey === OTHER) throw failure('RECORD_UNAVAILABLE');
      return readManifest.call(deps.record, sdkKey);
    };
    await expect(run(OTHER, KEY)).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
    expect(deps.bus.seqOf()).toBe(1);
    expect([...(deps.bus.beats[0]?.heads.keys() ?? [])]).toEqual([KEY]);
  });

  it('names a key whose CDN is down: its record is what counts', async () => {
    await run();
    deps.cdn.onFetch = () => deps.clock.advance(500);
    deps.cdn.served = { cdn: failure('CDN_FAILED'), origin: failure('CDN_FAILED') };
    await expect(run()).rejects.toMatchObject({ code: 'CDN_FAILED' });
    expect(deps.bus.beats.at(-1)?.heads.has(KEY)).toBe(true);
  });

  it('the beat that cannot be sent fails the run, after the record was brought up to date', async () => {
    deps.bus.isDown = true;
    await expect(run()).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    expect(deps.record.headOf()?.revision).toBe(1);
    expect(deps.lines).toContainEqual(expect.objectContaining({ event: 'beat.sent', level: 'error' }));
  });
});
