// A change whose place on the bus is taken: by a faster one, which is right, or by something that the record knows nothing of.

import { describe, expect, it } from 'vitest';
import {
  compressBody,
  decodeBody,
  decodeHead,
  type Envelope,
  encodeEnvelope,
} from '../../../core/bus/envelope.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { type ChangeId, type Seq, sha256Of } from '../../../core/ids.ts';
import { type Manifest, rollback } from '../../../core/record/manifest.ts';
import { publishDatafile } from '../../../functions/publish/publish-datafile.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

async function publish(deps: FakeDeps, revision: number): Promise<Manifest> {
  const source = { sdkKey: KEY, environment: 'Production' };
  const changeId = `c${revision}` as ChangeId;
  const change = { source, projectId: '1', changeId, receivedAtMs: 1, cause: 'webhook' } as const;
  const datafile = parseDatafile(datafileOf(revision), { sdkKey: KEY });
  const validators = { etag: null, lastModifiedMs: null };
  const current = await deps.record.readManifest(KEY);
  const moved = await publishDatafile(deps, change, { current, datafile, validators });
  return moved.manifest;
}

/** A message that the record knows nothing of. */
async function forge(deps: FakeDeps, like: Manifest, seq: number): Promise<void> {
  const body = Buffer.from('{"forged":true}');
  const forged = { ...like, seq: seq as Seq, sha256: sha256Of(body) };
  deps.bus.plant(KEY, encodeEnvelope(forged, await compressBody(body), 1024 * 1024));
}

describe('a change whose swap was stored and whose answer was lost', () => {
  it('announces what another writer rolled it back to, with the body of that', async () => {
    const deps = fakeDeps();
    await publish(deps, 1);
    const older = parseDatafile(datafileOf(1), { sdkKey: KEY });
    deps.record.losesSwapAnswer = true;
    deps.record.onSwapped = (manifest) => {
      if (manifest.seq !== 2) return;
      const cdn = { etag: null, lastModifiedMs: null };
      const arrival = { cause: 'rollback', changeId: 'of-others' as ChangeId, cdn } as const;
      const to = rollback(manifest, older, { ...arrival, receivedAtMs: 2, publishedAtMs: 2 }, 'a bad week');
      deps.record.manifests.set(KEY, { manifest: to, etag: '"rolled back"' });
    };
    expect(await publish(deps, 2)).toMatchObject({ seq: 3, revision: 1 });
    const { headers, payload } = deps.bus.published.at(-1) as Envelope;
    const head = decodeHead((name) => headers[name] ?? '');
    expect(head).toMatchObject({ seq: 3, revision: 1 });
    expect(Buffer.from(await decodeBody(head, payload))).toEqual(Buffer.from(older.body));
    expect(deps.lines).toContainEqual(
      expect.objectContaining({ event: 'manifest.moved', seq: 2, revision: 2 }),
    );
  });
});

describe('a change that finds its place on the bus taken', () => {
  it.each([
    ['its own seq', 2],
    ['a later one', 1_000_000],
  ])('by a forged message of %s, gets a lineage of its own at once', async (_, seq) => {
    const deps = fakeDeps();
    const first = await publish(deps, 1);
    await forge(deps, first, seq);
    await publish(deps, 2);
    const { lineage, revision, cause } = deps.record.headOf() ?? first;
    expect({ revision, cause }).toEqual({ revision: 2, cause: 'restore' });
    expect(lineage).not.toBe(first.lineage);
    expect((await deps.bus.readHead(KEY))?.head).toMatchObject({ lineage, revision: 2 });
    expect(deps.counts.get('LineageRenewed')).toBe(1);
  });

  it('by a forger who is faster every time, renews the lineage once and leaves the rest to reconcile', async () => {
    const deps = fakeDeps();
    await publish(deps, 1);
    deps.record.onSwapped = (manifest) => {
      const forged = { ...manifest, seq: (manifest.seq + 1_000) as Seq };
      deps.bus.plant(KEY, encodeEnvelope(forged, new Uint8Array(0), 0));
    };
    await publish(deps, 2);
    expect(deps.record.headOf()).toMatchObject({ revision: 2, cause: 'restore' });
    expect(deps.counts.get('LineageRenewed')).toBe(1);
  });

  it('by a faster change, leaves it there', async () => {
    const deps = fakeDeps();
    const { lineage } = await publish(deps, 1);
    await Promise.all([publish(deps, 2), publish(deps, 3), publish(deps, 4)]);
    expect(deps.record.headOf()).toMatchObject({ lineage, revision: 4 });
    expect((await deps.bus.readHead(KEY))?.head).toMatchObject({ lineage, revision: 4 });
    expect(deps.counts.get('LineageRenewed')).toBeUndefined();
  });
});
