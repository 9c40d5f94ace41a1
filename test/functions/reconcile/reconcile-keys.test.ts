// The minute's run over one key: what webhooks and messages missed is found, healed and counted.

import { beforeEach, describe, expect, it } from 'vitest';
import { encodeEnvelope } from '../../../core/bus/envelope.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { type ChangeId, type Seq, sha256Of } from '../../../core/ids.ts';
import { type Manifest, pin, rollback, unpin } from '../../../core/record/manifest.ts';
import type { StoredManifest } from '../../../functions/ports.ts';
import { moveManifest } from '../../../functions/publish/move-manifest.ts';
import { MISSED_GRACE_MS, RECORD_AHEAD_AFTER_MS } from '../../../functions/reconcile/follow-cdn.ts';
import { reconcileKeys } from '../../../functions/reconcile/reconcile-keys.ts';
import type { Role } from '../../../functions/settings/settings.ts';
import { datafileOf, KEY, START_MS } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps, turnsUntil } from '../../support/functions/fakes.ts';
import { projectsOf } from '../../support/functions/webhooks.ts';

const projects = projectsOf(KEY);
let deps: FakeDeps;
beforeEach(() => {
  deps = fakeDeps();
});
const run = (role: Role = 'home') => reconcileKeys(deps, { projects, role });
const count = (name: Parameters<typeof deps.counts.get>[0]) => deps.counts.get(name) ?? 0;

/** The CDN serves this revision for long enough that no webhook can be on its way. */
function serve(revision: number, lastModifiedMs = START_MS - 60_000): void {
  deps.cdn.serve(datafileOf(revision), lastModifiedMs);
}

async function settle(revision: number): Promise<void> {
  serve(revision, START_MS - 120_000);
  await run();
  deps.clock.advance(60_000);
}

describe('Optimizely against the record', () => {
  it('imports the first datafile, for which no webhook came', async () => {
    serve(7);
    await run();
    expect(deps.record.headOf()).toMatchObject({ seq: 1, revision: 7, cause: 'import' });
    expect(deps.bus.seqOf()).toBe(1);
    expect(deps.topic.ofKind('published')).toHaveLength(1);
    expect(count('MissedWebhook') + count('BusBehind')).toBe(0);
  });

  it('publishes what no webhook brought, and counts it', async () => {
    await settle(1);
    serve(2, START_MS);
    await run();
    expect(deps.record.headOf()).toMatchObject({ seq: 2, revision: 2, cause: 'reconcile' });
    expect(deps.bus.seqOf()).toBe(2);
    expect(count('MissedWebhook')).toBe(1);
    expect(count('BusBehind')).toBe(0);
  });

  it('asks with a condition, and does nothing when nothing changed', async () => {
    await settle(1);
    await run();
    expect(deps.cdn).toMatchObject({ fetches: 1, notModified: 1 });
    expect(deps.record.swaps).toHaveLength(1);
    expect(deps.topic.notices).toHaveLength(1);
  });

  it('gives a webhook in flight the time to be first', async () => {
    await settle(1);
    serve(2, deps.clock.nowMs());
    const running = run();
    await turnsUntil(() => deps.clock.waitingCount === 1);
    expect(deps.record.headOf()?.revision).toBe(1);
    await webhookBrings(2);
    deps.clock.advance(MISSED_GRACE_MS);
    await running;
    expect(count('MissedWebhook')).toBe(0);
    expect(deps.record.headOf()?.seq).toBe(2);
  });

  it('publishes and counts it when the time is over and no webhook came', async () => {
    await settle(1);
    serve(2, deps.clock.nowMs() - 2_000);
    const running = run();
    await turnsUntil(() => deps.clock.waitingCount === 1);
    deps.clock.advance(MISSED_GRACE_MS - 2_000);
    await running;
    expect(deps.record.headOf()?.revision).toBe(2);
    expect(count('MissedWebhook')).toBe(1);
  });

  it('takes over a datafile that was regenerated without a new revision, which no webhook tells of', async () => {
    await settle(1);
    deps.cdn.serve(datafileOf(1, { salt: 'regenerated' }), START_MS);
    await run();
    expect(deps.record.headOf()).toMatchObject({ seq: 2, revision: 1 });
    expect(count('MissedWebhook')).toBe(0);
  });

  it('tells, once the CDN cannot be late any more, that the record has a revision which Optimizely does not have', async () => {
    await settle(999_999);
    serve(76, START_MS);
    const told = () => deps.lines.filter(({ found }) => found === 'record-ahead');
    await run();
    expect([count('RecordAhead'), told().length]).toEqual([0, 0]);
    deps.clock.advance(RECORD_AHEAD_AFTER_MS);
    for (let i = 0; i < 3; i++) await run();
    expect(count('RecordAhead')).toBe(3);
    expect(told()[0]).toMatchObject({ level: 'error', revision: 999_999, servedRevision: 76 });
    // What the runbook says to do.
    const stored = (await deps.record.readManifest(KEY)) as StoredManifest;
    const older = parseDatafile(datafileOf(76), { sdkKey: KEY });
    const arrival = {
      cause: 'rollback',
      changeId: 'operator' as ChangeId,
      cdn: stored.manifest.cdn,
    } as const;
    const times = { receivedAtMs: deps.clock.nowMs(), publishedAtMs: deps.clock.nowMs() };
    const back = unpin(rollback(stored.manifest, older, { ...arrival, ...times }, 'record ahead'));
    await deps.record.swapManifest(back, stored.etag);
    await run();
    expect(count('RecordAhead')).toBe(3);
    serve(77, deps.clock.nowMs() - 60_000);
    await run();
    expect(deps.record.headOf()).toMatchObject({ revision: 77, lineage: stored.manifest.lineage });
  });

  it('leaves a pinned manifest where it is, and counts nothing', async () => {
    await settle(1);
    const stored = deps.record.manifests.get(KEY);
    if (stored === undefined) throw new Error('expected a manifest');
    deps.record.manifests.set(KEY, { ...stored, manifest: pin(stored.manifest, 'bad week', 1) });
    serve(2, START_MS);
    await run();
    expect(deps.record.headOf()?.revision).toBe(1);
    expect(count('MissedWebhook')).toBe(0);
  });

  it('refuses a bad datafile, keeps the last good one, and fails', async () => {
    await settle(1);
    deps.cdn.serve(datafileOf(2, { more: { featureFlags: 'x' } }));
    await expect(run()).rejects.toMatchObject({ code: 'DATAFILE_UNLOADABLE' });
    expect(deps.record.headOf()?.revision).toBe(1);
    expect(count('DatafileRejected')).toBeGreaterThan(0);
  });
});

/** What the webhook does meanwhile, in another process. */
async function webhookBrings(revision: number): Promise<void> {
  const datafile = parseDatafile(datafileOf(revision), { sdkKey: KEY });
  const nowMs = deps.clock.nowMs();
  await deps.record.putBody(KEY, datafile.sha256, datafile.body);
  await moveManifest(deps, await deps.record.readManifest(KEY), datafile, {
    cause: 'webhook',
    changeId: 'webhook' as ChangeId,
    receivedAtMs: nowMs,
    publishedAtMs: nowMs,
    cdn: { etag: null, lastModifiedMs: nowMs },
  });
}

describe('the record against the bus', () => {
  beforeEach(() => settle(1));

  it('announces what the bus lost, and counts it', async () => {
    deps.bus.heads.clear();
    await run();
    expect(deps.bus.seqOf()).toBe(1);
    expect(count('BusBehind')).toBe(1);
  });

  it('makes a stream that is gone', async () => {
    deps.bus.heads.clear();
    deps.bus.isStreamMissing = true;
    await run();
    expect(deps.bus.seqOf()).toBe(1);
  });

  it('the record against the bus does not count a change that is still being announced', async () => {
    deps.bus.heads.clear();
    const stored = deps.record.manifests.get(KEY);
    if (stored === undefined) throw new Error('expected a manifest');
    const manifest = { ...stored.manifest, publishedAtMs: deps.clock.nowMs() - 100 };
    deps.record.manifests.set(KEY, { ...stored, manifest });
    await run();
    expect(deps.bus.seqOf()).toBe(1);
    expect(count('BusBehind')).toBe(0);
  });

  it('renews the lineage when the bus is ahead of it: the bucket was restored', async () => {
    plantHead(9);
    await run();
    expect(deps.record.headOf()).toMatchObject({ seq: 2, revision: 1, cause: 'restore' });
    expect(deps.record.headOf()?.lineage).not.toBe(deps.record.swaps[0]?.lineage);
    expect(deps.bus.published.at(-1)?.headers['Df-Lineage']).toBe(deps.record.headOf()?.lineage);
    expect(count('LineageRenewed')).toBe(1);
    expect(deps.topic.ofKind('published')).toHaveLength(2);
    await run();
    expect(count('LineageRenewed')).toBe(1);
  });

  it('renews it too when the restored record has moved on to the seq that the bus has, with other bytes', async () => {
    const manifest = deps.record.headOf() as Manifest;
    const other = { ...manifest, sha256: sha256Of(new Uint8Array(1)) };
    deps.bus.plant(KEY, encodeEnvelope(other, new Uint8Array(1), 1e6));
    await run();
    expect(deps.record.headOf()).toMatchObject({ seq: 2, revision: 1, cause: 'restore' });
    expect(deps.record.headOf()?.lineage).not.toBe(manifest.lineage);
    expect(deps.bus.seqOf()).toBe(2);
  });

  it('the record against the bus does not take a webhook between its two reads for a restored bucket', async () => {
    const { readManifest } = deps.record;
    let reads = 0;
    plantHead(2);
    deps.record.readManifest = async (sdkKey) => {
      const stored = await readManifest.call(deps.record, sdkKey);
      // The third read, after the bus was looked at, finds what the webhook wrote meanwhile.
      if (++reads < 3 || stored === null) return stored;
      return { etag: '"webhook"', manifest: { ...stored.manifest, seq: 2 as Seq } };
    };
    await run();
    expect(count('LineageRenewed')).toBe(0);
  });

  it('in a further region follows the record without asking the CDN or writing', async () => {
    serve(2);
    deps.bus.heads.clear();
    deps.cdn.asked.length = 0;
    await run('bus-only');
    expect(deps.cdn.asked).toEqual([]);
    expect(deps.bus.seqOf()).toBe(1);
    plantHead(9);
    await expect(run('bus-only')).rejects.toMatchObject({ code: 'MANIFEST_INVALID', retryable: true });
    expect(deps.record.swaps).toHaveLength(1);
  });
});

/** The bus as it was before the bucket was restored. */
function plantHead(seq: number): void {
  const manifest = deps.record.headOf();
  if (manifest === undefined) throw new Error('expected a manifest');
  deps.bus.plant(KEY, encodeEnvelope({ ...manifest, seq: seq as Seq }, new Uint8Array(1), 1e6));
}
