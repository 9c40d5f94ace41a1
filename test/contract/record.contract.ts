// What publishers need of a record (functions/ports.ts), as one suite for all of them: the bucket on a real S3 and on the local
// stand-in, and the doubles of the simulation and of the unit tests, on which their findings rest.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDatafile } from '../../core/datafile/datafile.ts';
import { type ChangeId, type Lineage, type SdkKey, sha256Of, toSdkKey } from '../../core/ids.ts';
import { createManifest, type Manifest, pin, renewLineage, unpin } from '../../core/record/manifest.ts';
import type { DatafileRecord } from '../../functions/ports.ts';
import { datafileOf } from '../support/datafiles.ts';

const RACERS = 10;

export interface RecordTarget {
  /** Each call is another process at the same bucket. */
  readonly open: () => DatafileRecord;
  readonly close: () => Promise<void>;
}

const arrival = {
  cause: 'webhook',
  changeId: 'c' as ChangeId,
  receivedAtMs: 1,
  publishedAtMs: 2,
  cdn: { etag: '"of-the-cdn"', lastModifiedMs: 3 },
} as const;

const bodyFor = (sdkKey: SdkKey, revision = 1) => parseDatafile(datafileOf(revision, { sdkKey }), { sdkKey });
const manifestFor = (sdkKey: SdkKey, lineage = 'lineage') =>
  createManifest(bodyFor(sdkKey), arrival, lineage as Lineage);

/** Registers the suite under `name`; `start` is called once. */
export function describeRecordContract(name: string, start: () => Promise<RecordTarget>): void {
  describe(`record contract: ${name}`, () => {
    let target: RecordTarget;
    let record: DatafileRecord;
    let keys = 0;
    const newKey = () => toSdkKey(`Key/+=${++keys}`);
    const created = async (sdkKey: SdkKey) => {
      const manifest = manifestFor(sdkKey);
      const swapped = await record.swapManifest(manifest, null);
      if (swapped === 'conflict') throw new Error('a new key has a manifest');
      return { manifest, etag: swapped.etag };
    };
    const nextOf = (manifest: Manifest, lineage: string) =>
      renewLineage(manifest, lineage as Lineage, { ...arrival, publishedAtMs: 5 });

    beforeAll(async () => {
      target = await start();
      record = target.open();
    });
    afterAll(async () => {
      await target?.close();
    });

    describe('a manifest', () => {
      it('a manifest is null before there is one', async () => {
        expect(await record.readManifest(newKey())).toBeNull();
      });

      it('a manifest is read as it was swapped in, with the ETag that the swap gave, also by another process', async () => {
        const sdkKey = newKey();
        const { manifest, etag } = await created(sdkKey);
        expect(await record.readManifest(sdkKey)).toEqual({ manifest, etag });
        expect(await target.open().readManifest(sdkKey)).toEqual({ manifest, etag });
      });

      it('a manifest is created once: a second creation is a conflict and changes nothing', async () => {
        const sdkKey = newKey();
        const first = await created(sdkKey);
        expect(await record.swapManifest(manifestFor(sdkKey, 'other'), null)).toBe('conflict');
        expect(await record.readManifest(sdkKey)).toEqual(first);
      });

      it('moves on with the ETag that was read, and with no earlier one', async () => {
        const sdkKey = newKey();
        const first = await created(sdkKey);
        const second = nextOf(first.manifest, 'second');
        const swapped = await record.swapManifest(second, first.etag);
        expect(swapped).not.toBe('conflict');
        expect(await record.swapManifest(nextOf(first.manifest, 'third'), first.etag)).toBe('conflict');
        expect(await record.readManifest(sdkKey)).toEqual({
          manifest: second,
          ...(swapped as { etag: string }),
        });
      });

      it('a manifest is not created by a swap that names an ETag', async () => {
        const sdkKey = newKey();
        const swapped = await record.swapManifest(manifestFor(sdkKey), `"${'0'.repeat(32)}"`);
        expect(swapped).toBe('conflict');
        expect(await record.readManifest(sdkKey)).toBeNull();
      });

      it('a manifest has the ETag of its bytes: pinned and unpinned, it has the first one again', async () => {
        const sdkKey = newKey();
        const first = await created(sdkKey);
        const pinned = await record.swapManifest(pin(first.manifest, 'a test', 9), first.etag);
        const { etag } = pinned as { etag: string };
        expect(etag).not.toBe(first.etag);
        expect(await record.swapManifest(unpin(first.manifest), etag)).toEqual({ etag: first.etag });
      });

      it(`a manifest has one winner among ${RACERS} who create it at once, and the winner's is read`, async () => {
        const sdkKey = newKey();
        const manifests = Array.from({ length: RACERS }, (_, i) => manifestFor(sdkKey, `racer-${i}`));
        const swaps = await Promise.all(manifests.map((it) => target.open().swapManifest(it, null)));
        const winners = manifests.filter((_, i) => swaps[i] !== 'conflict');
        expect(winners).toHaveLength(1);
        expect((await record.readManifest(sdkKey))?.manifest).toEqual(winners[0]);
      });

      it(`a manifest has one winner among ${RACERS} who move it at once, and the winner's is read`, async () => {
        const sdkKey = newKey();
        const { manifest, etag } = await created(sdkKey);
        const manifests = Array.from({ length: RACERS }, (_, i) => nextOf(manifest, `racer-${i}`));
        const swaps = await Promise.all(manifests.map((it) => target.open().swapManifest(it, etag)));
        const winners = manifests.filter((_, i) => swaps[i] !== 'conflict');
        expect(winners).toHaveLength(1);
        expect((await record.readManifest(sdkKey))?.manifest).toEqual(winners[0]);
      });

      it('a manifest of one key says nothing of another, however alike their names are', async () => {
        const [one, other] = [toSdkKey(`twin/${++keys}`), toSdkKey(`twin+${keys}`)];
        await created(one);
        expect(await record.readManifest(other)).toBeNull();
      });
    });

    describe('a body', () => {
      it('a body is written once, and read back byte for byte by another process', async () => {
        const { sdkKey, sha256, body } = bodyFor(newKey());
        expect(await record.putBody(sdkKey, sha256, body)).toBe('written');
        expect(await record.putBody(sdkKey, sha256, body)).toBe('already-there');
        expect(Buffer.from(await target.open().readBody(sdkKey, sha256))).toEqual(Buffer.from(body));
      });

      it('a body is missing until it is written, and under another key after that', async () => {
        const { sdkKey, sha256, body } = bodyFor(newKey());
        await expect(record.readBody(sdkKey, sha256)).rejects.toMatchObject({ code: 'BODY_MISSING' });
        await record.putBody(sdkKey, sha256, body);
        await expect(record.readBody(newKey(), sha256)).rejects.toMatchObject({ code: 'BODY_MISSING' });
      });

      it('a body is written by one of several at once', async () => {
        const { sdkKey, sha256, body } = bodyFor(newKey());
        const puts = Array.from({ length: RACERS }, () => target.open().putBody(sdkKey, sha256, body));
        const outcomes = await Promise.all(puts);
        expect(outcomes.filter((outcome) => outcome === 'written')).toHaveLength(1);
      });

      it('a body that is not what its name says is corrupt, until the right bytes replace it', async () => {
        const { sdkKey, sha256, body } = bodyFor(newKey());
        await record.replaceBody?.(sdkKey, sha256, Buffer.from('{"spoilt":true}'));
        await expect(record.readBody(sdkKey, sha256)).rejects.toMatchObject({ code: 'BODY_CORRUPT' });
        expect(await record.putBody(sdkKey, sha256, body)).toBe('already-there');
        await record.replaceBody?.(sdkKey, sha256, body);
        expect(sha256Of(await record.readBody(sdkKey, sha256))).toBe(sha256);
      });
    });
  });
}
