// The publisher where versions are signed: what it writes is signed once, and what it finds in the record is built upon only
// when a trusted key has sealed it.

import { describe, expect, it } from 'vitest';
import { encodeEnvelope } from '../../../core/bus/envelope.ts';
import type { Seq } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import { type Manifest, pin } from '../../../core/record/manifest.ts';
import { KeyRing } from '../../../core/record/signature.ts';
import { isLaterLineage } from '../../../core/version.ts';
import { createBridge } from '../../../functions/bridge/bridge.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { datafileOf, KEY, START_MS } from '../../support/datafiles.ts';
import {
  count,
  deny,
  head,
  keys,
  manifestOf,
  next,
  published,
  put,
  ring,
  run,
  send,
  serve,
  setUp,
  strangers,
} from '../../support/functions/signed-deps.ts';

describe('what is written', () => {
  it('is signed, and the message carries the manifest’s signature', async () => {
    const it = setUp();
    serve(it, 7);
    expect(await send(it, 7)).toBe(204);
    expect(ring.sealed(head(it))).toBe(true);
    expect(it.fakes.bus.published.map(({ headers }) => headers['Df-Signature'])).toEqual([
      head(it).signature,
    ]);
    expect(it.fakes.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('moves on from what was signed, also by a key that is only trusted', async () => {
    const it = setUp(unchanging(next.key), [keys]);
    put(it, keys.seal(manifestOf(6)));
    serve(it, 7);
    expect(await send(it, 7)).toBe(204);
    expect(head(it)).toMatchObject({ seq: 2, lineage: newLineage(1, 'old') });
    expect(new KeyRing([next.key.publicKey]).sealed(head(it))).toBe(true);
  });

  it('is not written at all while the key cannot be read', async () => {
    const failing = async () => Promise.reject(new Error('no secret'));
    const it = setUp({ get: failing, refresh: failing });
    serve(it, 7);
    expect(await send(it, 7)).not.toBe(204);
    expect(it.fakes.record.swaps).toEqual([]);
  });
});

const UNTRUSTED: [string, (manifest: Manifest) => Manifest][] = [
  ['unsigned', (manifest) => manifest],
  ['signed with an unknown key', (manifest) => strangers.seal(manifest)],
  ['altered: its revision', (manifest) => ({ ...keys.seal(manifest), revision: 99 })],
  ['altered: its seq', (manifest) => ({ ...keys.seal(manifest), seq: 99 as Seq })],
  ['altered: pinned', (manifest) => pin(keys.seal(manifest), 'freeze', 1)],
  [
    'altered: said to be what the CDN serves',
    (manifest) => ({
      ...keys.seal(manifest),
      cdn: { etag: '"of the newer one"', lastModifiedMs: START_MS },
    }),
  ],
];

describe('a manifest that no trusted key has sealed', () => {
  it.each(UNTRUSTED)('(%s) is not built upon by a webhook: a signed lineage begins', async (_, made) => {
    const it = setUp();
    put(it, made(manifestOf(50)));
    serve(it, 7);
    expect(await send(it, 7)).toBe(204);
    expect(head(it)).toMatchObject({ seq: 1, revision: 7, pin: null });
    expect(head(it).history).toHaveLength(1);
    expect(ring.sealed(head(it))).toBe(true);
    expect(isLaterLineage(head(it).lineage, newLineage(1, 'old'))).toBe(true);
    expect(it.fakes.bus.seqOf()).toBe(1);
    expect(count(it, 'ManifestUntrusted')).toBeGreaterThan(0);
  });

  it.each(UNTRUSTED)('(%s) is healed by reconcile', async (_, made) => {
    const it = await published(5);
    const good = head(it);
    put(it, made({ ...manifestOf(3), lineage: good.lineage }));
    await run(it);
    expect(head(it)).toMatchObject({ seq: 1, revision: 5 });
    expect(isLaterLineage(head(it).lineage, good.lineage)).toBe(true);
    expect(ring.sealed(head(it))).toBe(true);
    expect(it.fakes.bus.published.at(-1)?.headers['Df-Lineage']).toBe(head(it).lineage);
  });

  it.each([
    ['an earlier seq', (good: Manifest) => ({ ...manifestOf(3), lineage: good.lineage })],
    ['an earlier lineage', () => manifestOf(3)],
  ])(
    'counts as such where it was sealed once and put back (%s), also when the bus was turned back',
    async (_, old) => {
      const it = await published(5);
      serve(it, 6);
      await run(it);
      const good = head(it);
      const back = keys.seal(old(good));
      put(it, back);
      it.fakes.bus.plant(KEY, encodeEnvelope(back, new Uint8Array(0), 0));
      await run(it);
      expect(head(it)).toMatchObject({ seq: 1, revision: 6 });
      expect(isLaterLineage(head(it).lineage, good.lineage)).toBe(true);
      expect(it.fakes.bus.published.at(-1)?.headers['Df-Lineage']).toBe(head(it).lineage);
    },
  );

  it('a manifest that no trusted key has sealed is left once, although the clock is behind and the bus shows nothing', async () => {
    const it = await published(5);
    put(it, strangers.seal(manifestOf(3)));
    it.fakes.bus.heads.clear();
    it.fakes.clock.advance(-3_600_000);
    for (let i = 0; i < 3; i++) await run(it);
    expect(it.fakes.record.swaps).toHaveLength(2);
  });

  it('an object that is no manifest is healed too', async () => {
    const it = await published(5);
    const { FanoutError } = await import('../../../core/errors.ts');
    const read = it.fakes.record.readManifest.bind(it.fakes.record);
    it.fakes.record.readManifest = async (sdkKey) => {
      const stored = await read(sdkKey);
      if (stored?.etag !== '"garbage"') return stored;
      const fields = { sdkKey, etag: stored.etag };
      throw new FanoutError({
        code: 'MANIFEST_INVALID',
        message: 'no',
        remedy: 'no',
        retryable: false,
        fields,
      });
    };
    put(it, manifestOf(1), '"garbage"');
    await run(it);
    expect(head(it)).toMatchObject({ seq: 1, revision: 5 });
    expect(ring.sealed(head(it))).toBe(true);
  });

  it('stays where it is while Optimizely cannot be asked, and is not announced', async () => {
    const it = await published(5);
    const messages = it.fakes.bus.published.length;
    put(it, strangers.seal(manifestOf(3)));
    deny(it);
    await expect(run(it)).rejects.toThrow();
    expect(head(it).revision).toBe(3);
    expect(it.fakes.bus.published).toHaveLength(messages);
  });

  it('a manifest that no trusted key has sealed is not announced by a bridge, which has public keys only, nor by a further region', async () => {
    const it = setUp(null, [keys]);
    put(it, strangers.seal(manifestOf(3)));
    const { sdkKey, seq, revision, changeId } = manifestOf(3);
    const notice = { schema: 1, kind: 'published', sdkKey, seq, revision, changeId };
    await createBridge(it.deps)([JSON.stringify(notice)]);
    await run(it, 'bus-only');
    expect(it.fakes.bus.published).toEqual([]);
    put(it, keys.seal(manifestOf(3)));
    it.fakes.record.bodies.set(`${KEY} ${head(it).sha256}`, datafileOf(3));
    await createBridge(it.deps)([JSON.stringify(notice)]);
    expect(it.fakes.bus.seqOf()).toBe(1);
  });

  it('a manifest that no trusted key has sealed has its body put right where that was overwritten as well', async () => {
    const it = await published(5);
    const name = `${KEY} ${head(it).sha256}`;
    it.fakes.record.bodies.set(name, datafileOf(3));
    put(it, strangers.seal(manifestOf(3)));
    await run(it);
    expect(it.fakes.record.bodies.get(name)).toEqual(datafileOf(5));
  });

  it('loses the race against a function that heals it first', async () => {
    const it = setUp();
    put(it, strangers.seal(manifestOf(50)));
    serve(it, 7);
    await Promise.all([send(it, 7), send(it, 7), run(it)]);
    expect(it.fakes.record.swaps.map(({ seq }) => seq)).toEqual([1]);
  });
});
