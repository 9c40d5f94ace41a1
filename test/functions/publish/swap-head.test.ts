// The head of a subject never goes back, with any publishers in any order, and no version is published twice.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compressBody, decodeBody, decodeHead, encodeEnvelope } from '../../../core/bus/envelope.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId, Lineage } from '../../../core/ids.ts';
import { advance, createManifest, type Manifest, renewLineage } from '../../../core/record/manifest.ts';
import { announcePatiently } from '../../../functions/publish/announce-patiently.ts';
import { judgeHead, swapHead } from '../../../functions/publish/swap-head.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

const arrival = {
  cause: 'webhook',
  changeId: 'c' as ChangeId,
  receivedAtMs: 1,
  publishedAtMs: 2,
  cdn: { etag: null, lastModifiedMs: null },
} as const;

/** Manifests of seq 1 … n of one lineage. */
function manifestsOf(count: number): Manifest[] {
  const parse = (revision: number) => parseDatafile(datafileOf(revision), { sdkKey: KEY });
  const manifests = [createManifest(parse(1), arrival, 'lineage-a' as Lineage)];
  while (manifests.length < count) {
    const move = advance(manifests.at(-1) as Manifest, parse(manifests.length + 1), arrival);
    if ('manifest' in move) manifests.push(move.manifest);
  }
  return manifests;
}

const [one, two, three] = manifestsOf(3) as [Manifest, Manifest, Manifest];
const bodyOf = (manifest: Manifest) => compressBody(datafileOf(manifest.revision));
const announceTo = (deps: FakeDeps, manifest: Manifest) => swapHead(deps, manifest, () => bodyOf(manifest));
const plant = async (deps: FakeDeps, manifest: Manifest) =>
  deps.bus.plant(KEY, encodeEnvelope(manifest, await bodyOf(manifest), 1024 * 1024));
const notLoaded = () => Promise.reject(new Error('the body was loaded for nothing'));

describe('announcing', () => {
  it('publishes the body with its metadata where the subject is empty', async () => {
    const deps = fakeDeps();
    expect(await announceTo(deps, one)).toBe('published');
    const [message] = deps.bus.published;
    const head = decodeHead((name) => message?.headers[name] ?? '');
    expect(head).toMatchObject({ seq: 1, revision: 1, encoding: 'br', lineage: one.lineage });
    expect(Buffer.from(decodeBody(head, message?.payload as Uint8Array))).toEqual(datafileOf(1));
  });

  it('announcing has nothing to do for the head itself, and does not even load its body', async () => {
    const deps = fakeDeps();
    await plant(deps, two);
    expect(await swapHead(deps, two, notLoaded)).toBe('already');
    expect(await swapHead(deps, one, notLoaded)).toBe('superseded');
    expect(deps.bus.published).toEqual([]);
  });

  it.each([
    ['a lower seq', one],
    ['another lineage', renewLineage(three, 'lineage-b' as Lineage, arrival)],
  ])('replaces a head of %s', async (_, head) => {
    const deps = fakeDeps();
    await plant(deps, head);
    expect(await announceTo(deps, two)).toBe('published');
    expect(deps.bus.seqOf()).toBe(2);
  });

  it('leaves other bytes of the same seq to reconcile: who holds the one takes the other for the same', async () => {
    const deps = fakeDeps();
    await plant(deps, { ...two, sha256: three.sha256 });
    expect(await swapHead(deps, two, notLoaded)).toBe('superseded');
    expect(deps.bus.published).toEqual([]);
  });

  it('replaces a head that another program put there', async () => {
    const deps = fakeDeps();
    deps.bus.plant(KEY, { headers: { hello: 'world' }, payload: new Uint8Array(0) });
    expect(await announceTo(deps, two)).toBe('published');
  });

  it('reads again after a lost race, and gives way to a later head', async () => {
    const deps = fakeDeps();
    await plant(deps, one);
    const late = {
      headers: encodeEnvelope(three, await bodyOf(three), 1e6).headers,
      payload: new Uint8Array(0),
    };
    deps.bus.beforePublish = () => {
      deps.bus.beforePublish = () => {};
      deps.bus.plant(KEY, late);
    };
    expect(await announceTo(deps, two)).toBe('superseded');
    expect(deps.bus).toMatchObject({ conflicts: 1, published: [] });
  });

  it('gives up after a bounded number of lost races', async () => {
    const deps = fakeDeps();
    deps.bus.beforePublish = () => deps.bus.plant(KEY, { headers: {}, payload: new Uint8Array(0) });
    await expect(announceTo(deps, one)).rejects.toMatchObject({ code: 'ANNOUNCE_FAILED', retryable: true });
  });

  it('trusts a head that was read a moment ago, but only until it is proved wrong', async () => {
    const deps = fakeDeps();
    await plant(deps, one);
    const knownHead = null;
    expect(await swapHead(deps, two, () => bodyOf(two), { knownHead })).toBe('published');
    expect(deps.bus).toMatchObject({ conflicts: 1, headReads: 1 });
  });

  it('sends a pointer where the body does not fit', async () => {
    const deps = fakeDeps();
    deps.bus.payloadMax = 2_100;
    await announceTo(deps, one);
    expect(deps.bus.published[0]?.headers['Df-Encoding']).toBe('pointer');
    expect(deps.bus.published[0]?.payload.byteLength).toBe(0);
  });

  it('sends nothing once it was called off', async () => {
    const deps = fakeDeps();
    const call = swapHead(deps, one, () => bodyOf(one), { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ code: 'ANNOUNCE_FAILED' });
    expect(deps.bus).toMatchObject({ published: [], headReads: 0 });
  });

  it('sends nothing when it is called off while the body is on its way', async () => {
    const deps = fakeDeps();
    const abort = new AbortController();
    const load = () => {
      abort.abort();
      return bodyOf(one);
    };
    await expect(swapHead(deps, one, load, { signal: abort.signal })).rejects.toMatchObject({
      code: 'ANNOUNCE_FAILED',
    });
    expect(deps.bus.published).toEqual([]);
  });
});

describe('the patient way', () => {
  it('makes the stream where there is none, and reads the body from the record', async () => {
    const deps = fakeDeps();
    deps.bus.isStreamMissing = true;
    await deps.record.putBody(KEY, one.sha256, datafileOf(1));
    expect(await announcePatiently(deps, one)).toBe('published');
    expect(deps.lines).toContainEqual(
      expect.objectContaining({ event: 'stream.ensured', outcome: 'created' }),
    );
  });

  it('fails loudly when the record has no such body', async () => {
    await expect(announcePatiently(fakeDeps(), one)).rejects.toMatchObject({ code: 'BODY_MISSING' });
  });
});

it('in any order and any interleaving the head only rises, and ends at the highest', async () => {
  const manifests = manifestsOf(6);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 12 }),
      fc.scheduler(),
      async (order, scheduler) => {
        const deps = fakeDeps();
        const shuffled = {
          ...deps,
          bus: {
            ...deps.bus,
            readHead: scheduler.scheduleFunction(deps.bus.readHead),
            publish: scheduler.scheduleFunction(deps.bus.publish),
          } as unknown as typeof deps.bus,
        };
        const all = order.map((i) => announceTo(shuffled, manifests[i] as Manifest));
        await scheduler.waitFor(Promise.all(all));
        const seqs = deps.bus.published.map(({ headers }) => Number(headers['Df-Seq']));
        expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
        expect(deps.bus.seqOf()).toBe(Math.max(...order) + 1);
      },
    ),
    { numRuns: 100 },
  );
});

it('a head is judged by lineage, seq and hash alone', () => {
  expect(judgeHead(one, null)).toBe('announce');
  expect(judgeHead(one, { head: null, streamSequence: 3 })).toBe('announce');
});
