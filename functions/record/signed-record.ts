// Record and bus as they look to those who trust signatures only: a manifest that no trusted key has sealed counts as none
// (with the ETag that its replacement has to name), and a head that none has signed as somebody else's message.

import { FanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import { isLaterLineage } from '../../core/record/lineage.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { keyIdOf } from '../../core/record/signature.ts';
import type { Version } from '../../core/version.ts';
import type { Bus, BusHead, DatafileRecord, ReaderDeps, StoredManifest } from '../ports.ts';
import type { Seals } from './signing.ts';

type Telling = Pick<ReaderDeps, 'log' | 'metrics'>;

/** So that whoever finds nothing to build upon fetches anew and begins a lineage: no other part has to know. */
export function withTrustedManifests(
  record: DatafileRecord,
  seals: Pick<Seals, 'trusts'>,
  { log, metrics }: Telling,
): DatafileRecord {
  /** Of those that counted as none when they were last read. */
  const etags = new Map<SdkKey, string>();
  /** Where each key has been, as far as this process knows: an old manifest that is put back is signed as well. */
  const seen = new Map<SdkKey, Version>();
  const note = ({ sdkKey, lineage, seq }: Manifest): void => {
    etags.delete(sdkKey);
    seen.set(sdkKey, { lineage, seq });
  };
  const distrust = (sdkKey: SdkKey, etag: string, fields: object): null => {
    etags.set(sdkKey, etag);
    metrics.count(METRIC.manifestUntrusted);
    log.error('manifest.untrusted', { sdkKey, ...fields, remedy: REMEDY });
    return null;
  };
  return {
    // What it can do beside that.
    ...record,
    readManifest: async (sdkKey) => {
      // Of two reads at once the later may answer first: what counts is what was known before.
      const before = seen.get(sdkKey);
      let stored: StoredManifest | null;
      try {
        stored = await record.readManifest(sdkKey);
      } catch (error) {
        // Not even a manifest, but something is there.
        if (!(error instanceof FanoutError) || typeof error.fields.etag !== 'string') throw error;
        return distrust(sdkKey, error.fields.etag, { error: error.message });
      }
      if (stored === null) {
        etags.delete(sdkKey);
        return null;
      }
      const { manifest, etag } = stored;
      if (!(await seals.trusts(manifest)))
        return distrust(sdkKey, etag, foundOf(manifest, unsignedOf(manifest)));
      if (before !== undefined && isBehind(manifest, before))
        return distrust(
          sdkKey,
          etag,
          foundOf(manifest, `it went back from seq ${before.seq} of ${before.lineage}`),
        );
      // Somebody may have moved it since, in this process.
      if (seen.get(sdkKey) === before) note(manifest);
      else etags.delete(sdkKey);
      return stored;
    },
    swapManifest: async (manifest, expectedEtag) => {
      const etag = expectedEtag ?? etags.get(manifest.sdkKey) ?? null;
      const swapped = await record.swapManifest(manifest, etag);
      // Whatever was seen: this is where it is now, also when a clock makes its lineage look old.
      if (swapped !== 'conflict') note(manifest);
      return swapped;
    },
    putBody: (sdkKey, sha256, body) => record.putBody(sdkKey, sha256, body),
    readBody: (sdkKey, sha256) => record.readBody(sdkKey, sha256),
    ...(record.replaceBody !== undefined && { replaceBody: record.replaceBody.bind(record) }),
  };
}

/** A head that nobody trusted has signed may be overwritten, as any message that is not ours. */
export function withTrustedHeads(bus: Bus, seals: Pick<Seals, 'trustsHead'>): Bus {
  return {
    // What it can do beside that.
    ...bus,
    publish: (...args) => bus.publish(...args),
    payloadBytesMax: () => bus.payloadBytesMax(),
    sendBeat: (...args) => bus.sendBeat(...args),
    ensureStream: () => bus.ensureStream(),
    reset: () => bus.reset(),
    readHead: async (sdkKey): Promise<BusHead | null> => {
      const found = await bus.readHead(sdkKey);
      if (found === null || found.head === null) return found;
      if (await seals.trustsHead(sdkKey, found.head)) return { ...found, isSigned: true };
      return { head: null, streamSequence: found.streamSequence };
    },
  };
}

const isBehind = (version: Version, other: Version): boolean =>
  version.lineage === other.lineage
    ? version.seq < other.seq
    : isLaterLineage(other.lineage, version.lineage);

const unsignedOf = ({ seal, signature }: Manifest): string =>
  seal === undefined || signature === undefined ? 'it is not signed' : 'no trusted key has signed it so';

const foundOf = ({ lineage, seq, revision, signature }: Manifest, error: string) => ({
  ...{ lineage, seq, revision, error },
  keyId: keyIdOf(signature),
});

const REMEDY =
  'A datafile is fetched anew and a signed lineage begun. If nobody has just turned signing on or changed keys, somebody else writes to the bucket.';
