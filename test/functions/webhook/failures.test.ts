// What a signed webhook answers, and leaves alone, when datafiles are bad and when parts are down.

import { beforeEach, describe, expect, it } from 'vitest';
import { BUS_CAP_MS } from '../../../functions/publish/announce-fast.ts';
import { APPLY_EXTRA_MS } from '../../../functions/webhook/apply-or-queue.ts';
import { datafileOf, failure } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps, turnsUntil } from '../../support/functions/fakes.ts';
import { BUDGET_MS, sendWebhook } from '../../support/functions/webhooks.ts';

let deps: FakeDeps;
beforeEach(() => {
  deps = fakeDeps();
});

const webhook = (revision: number, environment?: string) => sendWebhook(deps, revision, environment);

async function publish(revision: number): Promise<void> {
  deps.cdn.serve(datafileOf(revision));
  expect(await webhook(revision)).toBe(204);
}

const UNLOADABLE = { featureFlags: 'none' };
const PASSING: readonly [string, Uint8Array | Error, string][] = [
  ['no JSON', Buffer.from('<html>'), 'DATAFILE_INVALID'],
  ['nothing at all', failure('CDN_FAILED'), 'CDN_FAILED'],
  ['too old, and of an old format', datafileOf(1, { more: { version: '3' } }), 'DATAFILE_UNSUPPORTED'],
];
const FOR_GOOD: typeof PASSING = [
  ['of an old format', datafileOf(2, { more: { version: '3' } }), 'DATAFILE_UNSUPPORTED'],
  ['of a revision that has no order', datafileOf(2, { more: { revision: '1.5' } }), 'DATAFILE_UNSUPPORTED'],
  ["another project's", datafileOf(2, { projectId: '7' }), 'DATAFILE_WRONG_PROJECT'],
  ["another key's", datafileOf(2, { sdkKey: 'Other' }), 'DATAFILE_WRONG_KEY'],
  ['a shape that the SDK refuses', datafileOf(2, { more: UNLOADABLE }), 'DATAFILE_UNLOADABLE'],
  ['too large', failure('DATAFILE_TOO_LARGE', false), 'DATAFILE_TOO_LARGE'],
  ['20 MB', Buffer.alloc(20 * 1024 * 1024, 0x20), 'DATAFILE_TOO_LARGE'],
];

describe('a datafile that is', () => {
  it.each(PASSING)(
    '%s is not stored; the change is queued and the reason logged',
    async (_, served, code) => {
      await publish(1);
      deps.cdn.onFetch = () => deps.clock.advance(300);
      if (served instanceof Uint8Array) deps.cdn.serve(served);
      else deps.cdn.served = { cdn: served as never, origin: served as never };
      const { writes } = deps.record;
      expect(await webhook(2)).toBe(202);
      expect(deps.record.writes).toBe(writes);
      expect(deps.bus.published).toHaveLength(1);
      expect(deps.lines).toContainEqual(expect.objectContaining({ event: 'datafile.rejected', code }));
      expect(deps.lines).toContainEqual(expect.objectContaining({ event: 'refetch.queued', reason: code }));
    },
  );

  it.each(FOR_GOOD)('%s is refused at once, and nothing is queued', async (_, served, code) => {
    await publish(1);
    deps.cdn.asked.length = 0;
    if (served instanceof Uint8Array) deps.cdn.serve(served);
    else deps.cdn.served = { cdn: served as never, origin: served as never };
    const { writes } = deps.record;
    expect(await webhook(2)).toBe(422);
    expect(deps.cdn.asked).toEqual(['cdn', 'origin']);
    expect(deps.record.writes).toBe(writes);
    expect(deps.topic.ofKind('refetch')).toEqual([]);
    expect(deps.lines).toContainEqual(
      expect.objectContaining({ event: 'webhook.rejected', status: 422, code, revision: 2 }),
    );
    deps.cdn.serve(datafileOf(3));
    expect(await webhook(3)).toBe(204);
  });
});

describe('when a part is down', () => {
  beforeEach(() => {
    deps.cdn.serve(datafileOf(1));
  });

  it('S3: the change is queued', async () => {
    deps.record.isDown = true;
    expect(await webhook(1)).toBe(202);
    expect(deps.topic.ofKind('refetch')).toHaveLength(1);
  });

  it('S3 dying between body and manifest: the change is queued, and not announced', async () => {
    deps.record.swapManifest = async () => {
      throw failure('RECORD_UNAVAILABLE');
    };
    expect(await webhook(1)).toBe(202);
    expect(deps.bus.published).toEqual([]);
    expect(deps.topic.ofKind('published')).toEqual([]);
  });

  it('S3 and SNS: 503, never 2xx', async () => {
    deps.record.isDown = true;
    deps.topic.isDown = true;
    expect(await webhook(1)).toBe(503);
  });

  it('S3 hanging: the change is queued in time', async () => {
    deps.record.readManifest = () => new Promise(() => {});
    const answer = webhook(1);
    await turnsUntil(() => deps.clock.waitingCount > 0);
    deps.clock.advance(BUDGET_MS + APPLY_EXTRA_MS);
    expect(await answer).toBe(202);
  });

  it('the bus: 204, and the notice goes out', async () => {
    deps.bus.isDown = true;
    expect(await webhook(1)).toBe(204);
    expect(deps.topic.ofKind('published')).toHaveLength(1);
    expect(deps.counts.get('AnnounceFailed')).toBe(1);
  });

  it('the bus hanging: 204 after the cap, and the connection is dropped', async () => {
    deps.bus.hangs = true;
    const answer = webhook(1);
    await turnsUntil(() => deps.topic.ofKind('published').length === 1);
    await turnsUntil(() => deps.clock.waitingCount === 2);
    deps.clock.advance(BUS_CAP_MS);
    expect(await answer).toBe(204);
    expect(deps.bus.resets).toBe(1);
  });

  it('SNS: 204, and the bus has it', async () => {
    deps.topic.isDown = true;
    expect(await webhook(1)).toBe(204);
    expect(deps.bus.seqOf()).toBe(1);
  });

  it('both ways to announce: 204, because it is stored; an error says so', async () => {
    deps.topic.isDown = true;
    deps.bus.isDown = true;
    expect(await webhook(1)).toBe(204);
    expect(deps.lines).toContainEqual(expect.objectContaining({ level: 'error', path: 'both' }));
    expect(deps.counts.get('AnnounceFailed')).toBe(2);
  });
});
