// The publisher where versions are signed: what it makes of heads on the bus, of old manifests that were put back, and of a
// key that takes another's place.

import { describe, expect, it } from 'vitest';
import { encodeEnvelope } from '../../../core/bus/envelope.ts';
import type { Seq } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { KeyRing } from '../../../core/record/signature.ts';
import type { SigningKey } from '../../../core/record/signing-keys.ts';
import { isLaterLineage } from '../../../core/version.ts';
import { announcePatiently } from '../../../functions/publish/announce-patiently.ts';
import { type CachedSecret, unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import {
  count,
  deny,
  head,
  keys,
  manifestOf,
  next,
  pinned,
  published,
  put,
  run,
  send,
  serve,
  setUp,
  strangers,
} from '../../support/functions/signed-deps.ts';

describe('the bus', () => {
  const forged: [string, (manifest: Manifest) => Manifest][] = [
    ['unsigned', (manifest) => ({ ...manifest, seq: 99 as Seq })],
    ['signed with an unknown key', (manifest) => strangers.seal({ ...manifest, seq: 99 as Seq })],
    ['with another seq', (manifest) => ({ ...keys.seal(manifest), seq: 999_999_999_999_999 as Seq })],
  ];

  it.each(forged)('a head %s does not count as the publisher’s, and is overwritten', async (_, made) => {
    const it = await published(5);
    it.fakes.bus.plant(KEY, encodeEnvelope(made(head(it)), new Uint8Array(0), 0));
    await run(it);
    expect(it.fakes.bus.seqOf()).toBe(1);
    expect(it.fakes.record.swaps).toHaveLength(1);
    expect(count(it, 'LineageRenewed')).toBe(0);
  });

  it.each([
    ['an earlier seq', (manifest: Manifest) => ({ ...manifestOf(3), lineage: manifest.lineage })],
    ['an earlier lineage', () => manifestOf(3, newLineage(1, 'old'))],
  ])(
    'a manifest that was signed once and put back, of %s, is not renewed: Optimizely is asked',
    async (_, old) => {
      const it = await published(5);
      serve(it, 6);
      await run(it);
      it.fakes.clock.advance(60_000);
      const good = head(it);
      expect(good.seq).toBe(2);
      put(it, pinned(keys.seal(old(good)), keys));
      // Which has not seen where the key was.
      await run(setUp(unchanging(keys.key), [], it.fakes));
      expect(head(it)).toMatchObject({ seq: 1, revision: 6, pin: null, cause: 'restore' });
      expect(isLaterLineage(head(it).lineage, good.lineage)).toBe(true);
      expect(count(it, 'LineageRenewed')).toBe(1);
      expect(it.fakes.bus.published.at(-1)?.headers['Df-Lineage']).toBe(head(it).lineage);
    },
  );

  it('and nothing is moved when Optimizely cannot be asked', async () => {
    const it = await published(5);
    serve(it, 6);
    await run(it);
    const old = keys.seal({ ...manifestOf(3), lineage: head(it).lineage });
    put(it, old);
    deny(it);
    await expect(run(setUp(unchanging(keys.key), [], it.fakes))).rejects.toThrow();
    expect(head(it)).toEqual(old);
    expect(it.fakes.lines.some(({ error }) => String(error).includes('nothing to begin anew with'))).toBe(
      true,
    );
  });

  it('the bus does not have an old lineage announced over a later one', async () => {
    const it = await published(5);
    const old = keys.seal(manifestOf(3, newLineage(1, 'old')));
    expect(await announcePatiently(it.deps, old)).toBe('superseded');
    expect(it.fakes.bus.published).toHaveLength(1);
  });

  it('the bus does not have a second datafile announced under a seq that was announced', async () => {
    const it = await published(5);
    const second = keys.seal({ ...manifestOf(6), lineage: head(it).lineage });
    expect(await announcePatiently(it.deps, second)).toBe('superseded');
  });

  it('says how old a lineage must not be, where a clock is behind', async () => {
    const it = await published(5);
    const good = head(it);
    put(it, manifestOf(3));
    it.fakes.clock.advance(-3_600_000);
    serve(it, 7);
    expect(await send(it, 7)).toBe(204);
    expect(isLaterLineage(head(it).lineage, good.lineage)).toBe(true);
  });
});

describe('a new key', () => {
  it('signs anew what the old one has signed, once, and keeps the pin', async () => {
    const it = setUp(unchanging(next.key), [keys]);
    put(it, pinned(keys.seal(manifestOf(5)), keys));
    it.fakes.record.bodies.set(`${KEY} ${head(it).sha256}`, datafileOf(5));
    serve(it, 5);
    await run(it);
    await run(it);
    expect(it.fakes.record.swaps.map(({ seq, cause }) => `${seq} ${cause}`)).toEqual(['2 resign']);
    expect(head(it)).toMatchObject({ revision: 5, pin: { reason: 'freeze' }, lineage: newLineage(1, 'old') });
    expect(new KeyRing([next.key.publicKey]).sealed(head(it))).toBe(true);
    expect(it.fakes.bus.seqOf()).toBe(2);
  });

  it('a new key that this process has not heard of is asked for before anything is held against it', async () => {
    let current = keys.key;
    const asked: string[] = [];
    const kept: CachedSecret<SigningKey> = {
      get: async () => current,
      refresh: async () => {
        asked.push('refresh');
        current = next.key;
        return current;
      },
    };
    const it = setUp(kept, [keys]);
    put(it, next.seal(manifestOf(5)));
    it.fakes.record.bodies.set(`${KEY} ${head(it).sha256}`, datafileOf(5));
    serve(it, 5);
    await run(it);
    expect(asked).toEqual(['refresh']);
    expect(it.fakes.record.swaps).toEqual([]);
    expect(count(it, 'ManifestUntrusted')).toBe(0);
  });
});
