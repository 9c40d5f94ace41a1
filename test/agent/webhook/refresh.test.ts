// How long an agent looks for what a webhook has announced, and where.

import { describe, expect, it } from 'vitest';
import { GLANCE_PAUSE_MS, LOOK_AFTER_MS, Refresher } from '../../../agent/webhook/refresh.ts';
import type { SdkKey, Seq } from '../../../core/ids.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { KEY, OTHER_KEY, settled } from '../support/fakes.ts';

const PATIENCE_MS = LOOK_AFTER_MS.reduce((sum, waitMs) => sum + waitMs, 0);

function setUp(options: { seq?: number; hasRecord?: boolean } = {}) {
  const clock = new ManualClock();
  const held = { revision: 1, seq: (options.seq ?? 1) as Seq };
  const looks: string[] = [];
  const look = (where: string) => async (sdkKey: SdkKey) => void looks.push(`${where} ${sdkKey}`);
  const refresher = new Refresher({
    clock,
    store: { get: () => held as never },
    askRecord: options.hasRecord === false ? null : look('s3'),
    askCdn: look('cdn'),
    serves: (sdkKey) => sdkKey === KEY,
  });
  const pass = async (ms: number) => {
    for (let passedMs = 0; passedMs < ms; passedMs += 500) {
      clock.advance(500);
      await settled();
    }
  };
  return { clock, held, looks, refresher, pass };
}

describe('an announced datafile', () => {
  it('an announced datafile is looked for once when it is there', async () => {
    const { clock, held, looks, refresher } = setUp();
    held.revision = 2;
    await refresher.refresh(KEY, 2);
    expect(looks).toEqual([`s3 ${KEY}`]);
    expect(clock.waitingCount).toBe(0);
  });

  it('an announced datafile is looked for again and again while it is on its way, then no more', async () => {
    const { clock, held, looks, refresher, pass } = setUp();
    await refresher.refresh(KEY, 2);
    await pass(3_000);
    expect(looks).toHaveLength(3);
    held.revision = 2;
    await pass(PATIENCE_MS);
    expect(looks).toHaveLength(4);
    expect(clock.waitingCount).toBe(0);
  });

  it('an announced datafile is looked for once while many webhooks say the same, and again when one says more', async () => {
    const { held, looks, refresher } = setUp();
    held.revision = 3;
    const same = Array.from({ length: 20 }, () => refresher.refresh(KEY, 2));
    await Promise.all([...same, refresher.refresh(KEY, 1)]);
    expect(looks).toHaveLength(1);
    await Promise.all([refresher.refresh(KEY, 2), refresher.refresh(KEY, 3)]);
    expect(looks).toHaveLength(3);
  });

  it('an announced datafile that never comes is given up', async () => {
    const { clock, looks, refresher, pass } = setUp();
    await refresher.refresh(KEY, 2);
    await pass(PATIENCE_MS * 3);
    expect(looks).toHaveLength(1 + LOOK_AFTER_MS.length);
    expect(clock.waitingCount).toBe(0);
  });

  it('an announced datafile is looked for at the CDN only by those whose datafile came from there', async () => {
    const fromCdn = setUp({ seq: 0, hasRecord: false });
    await fromCdn.refresher.refresh(KEY, 1);
    expect(fromCdn.looks).toEqual([`cdn ${KEY}`]);
    const notYetFromRecord = setUp({ seq: 0 });
    await notYetFromRecord.refresher.refresh(KEY, 1);
    expect(notYetFromRecord.looks).toEqual([`s3 ${KEY}`, `cdn ${KEY}`]);
  });

  it('takes the place of an earlier one that is still looked for', async () => {
    const { clock, held, refresher, pass } = setUp();
    await refresher.refresh(KEY, 3);
    await refresher.refresh(KEY, 2);
    expect(clock.waitingCount).toBe(1);
    held.revision = 2;
    await pass(1_000);
    expect(clock.waitingCount).toBe(1);
    held.revision = 3;
    await pass(2_000);
    expect(clock.waitingCount).toBe(0);
  });

  it('an announced datafile of a key that is not served, or after the end, is not looked for', async () => {
    const { clock, looks, refresher } = setUp();
    await refresher.refresh(OTHER_KEY, 2);
    await refresher.refresh(KEY, 2);
    refresher.stop();
    expect(clock.waitingCount).toBe(0);
    await refresher.refresh(KEY, 3);
    expect(looks).toEqual([`s3 ${KEY}`]);
  });
});

describe('a glance', () => {
  it('a glance asks once, whether it finds a change or not', async () => {
    const { looks, refresher, pass } = setUp();
    await refresher.glance(KEY);
    await pass(PATIENCE_MS);
    expect(looks).toEqual([`s3 ${KEY}`]);
  });

  it('a glance is at most one a second, however many webhooks ask for one, and the last is not forgotten', async () => {
    const { clock, looks, refresher, pass } = setUp();
    await Promise.all(Array.from({ length: 50 }, () => refresher.glance(KEY)));
    expect(looks).toHaveLength(1);
    await pass(GLANCE_PAUSE_MS);
    expect(looks).toHaveLength(2);
    await pass(GLANCE_PAUSE_MS);
    expect(looks).toHaveLength(2);
    expect(clock.waitingCount).toBe(0);
  });

  it('leaves a search for a revision to go on', async () => {
    const { looks, refresher, pass } = setUp();
    await refresher.refresh(KEY, 2);
    await refresher.glance(KEY);
    await pass(1_000);
    expect(looks).toHaveLength(3);
  });

  it('a glance is for nothing where the key is not served, or the agent stops', async () => {
    const { clock, looks, refresher } = setUp();
    await refresher.glance(OTHER_KEY);
    await refresher.glance(KEY);
    refresher.stop();
    await refresher.glance(KEY);
    expect(looks).toEqual([`s3 ${KEY}`]);
    expect(clock.waitingCount).toBe(0);
  });
});
