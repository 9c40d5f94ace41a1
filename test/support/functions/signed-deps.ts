// The functions' parts in memory, where versions are signed: what they see, and what is really there.

import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import { createManifest, type Manifest, pin } from '../../../core/record/manifest.ts';
import { KeyRing } from '../../../core/record/signature.ts';
import type { SigningKey } from '../../../core/record/signing-keys.ts';
import type { Deps } from '../../../functions/ports.ts';
import { reconcileKeys } from '../../../functions/reconcile/reconcile-keys.ts';
import { withTrustedHeads, withTrustedManifests } from '../../../functions/record/signed-record.ts';
import { Seals } from '../../../functions/record/signing.ts';
import { type CachedSecret, unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { datafileOf, failure, KEY, START_MS } from '../datafiles.ts';
import { type FakeDeps, fakeDeps } from './fakes.ts';
import { newKeys, type TestKeys } from './signing.ts';
import { projectsOf, sendWebhook } from './webhooks.ts';

export const keys = newKeys();
export const next = newKeys();
export const strangers = newKeys();
export const ring = new KeyRing([keys.key.publicKey]);

export interface SetUp {
  /** What the functions see. */
  readonly deps: Deps;
  /** What is really there. */
  readonly fakes: FakeDeps;
}

/** @param fakes what is there already, for another process */
export function setUp(
  signing: CachedSecret<SigningKey> | null = unchanging(keys.key),
  trusted: TestKeys[] = [],
  fakes = fakeDeps(),
): SetUp {
  const seals = new Seals(
    signing,
    trusted.map(({ key }) => key.publicKey),
  );
  const deps: Deps = {
    ...fakes,
    record: withTrustedManifests(fakes.record, seals, fakes),
    bus: withTrustedHeads(fakes.bus, seals),
    signer: signing === null ? undefined : seals,
  };
  return { deps, fakes };
}

export const run = ({ deps }: SetUp, role: 'home' | 'bus-only' = 'home') =>
  reconcileKeys(deps, { projects: projectsOf(KEY), role });
export const serve = ({ fakes }: SetUp, revision: number) =>
  fakes.cdn.serve(datafileOf(revision), START_MS - 60_000);
/** Makes every download fail for good: a retry cannot help. */
export const deny = ({ fakes }: SetUp) => {
  fakes.cdn.served = { cdn: failure('CDN_DENIED', false), origin: failure('CDN_DENIED', false) };
};
export const send = ({ deps, fakes }: SetUp, revision: number) =>
  sendWebhook({ ...fakes, ...deps } as FakeDeps, revision);
export const head = ({ fakes }: SetUp): Manifest => fakes.record.headOf() as Manifest;
export const count = ({ fakes }: SetUp, name: 'ManifestUntrusted' | 'LineageRenewed') =>
  fakes.counts.get(name) ?? 0;

/** Writes a manifest as a program other than the publisher would. */
export const put = ({ fakes }: SetUp, manifest: Manifest, etag = '"theirs"') =>
  fakes.record.manifests.set(KEY, { manifest, etag });

export const manifestOf = (revision: number, lineage = newLineage(1, 'old')): Manifest => {
  const cdn = { etag: null, lastModifiedMs: null };
  const at = { cause: 'webhook', changeId: 'c' as ChangeId, receivedAtMs: 1, publishedAtMs: 1, cdn } as const;
  return createManifest(parseDatafile(datafileOf(revision), { sdkKey: KEY }), at, lineage);
};

export async function published(revision = 5): Promise<SetUp> {
  const it = setUp();
  serve(it, revision);
  await run(it);
  it.fakes.clock.advance(60_000);
  return it;
}

export const pinned = (manifest: Manifest, by: TestKeys): Manifest => by.seal(pin(manifest, 'freeze', 1));
