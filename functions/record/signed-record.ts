// Record and bus as publishers see them who trust signatures only: a manifest that no trusted key has sealed counts as none
// (with the ETag that its replacement has to name), and a head that none has signed as a stranger's message.

import { FanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import { keyIdOf } from '../../core/record/signature.ts';
import { isLater } from '../../core/version.ts';
import type { Bus, BusHead, DatafileRecord, ReaderDeps, StoredManifest } from '../ports.ts';
import { boundRecord, RecordMemory } from './record-memory.ts';
import type { Seals } from './signing.ts';

type Telling = Pick<ReaderDeps, 'log' | 'metrics'>;

/**
 * The record as publishers see it who trust signatures. What counts as none is fetched anew and begins a lineage, so that no
 * other part has to know of signatures.
 */
export function withTrustedManifests(
  record: DatafileRecord,
  seals: Pick<Seals, 'trusts'>,
  { log, metrics }: Telling,
  memory = new RecordMemory(),
): DatafileRecord {
  const distrust = (sdkKey: SdkKey, etag: string, fields: object): null => {
    memory.noteDistrusted(sdkKey, etag);
    metrics.count(METRIC.manifestUntrusted);
    log.error('manifest.untrusted', { sdkKey, ...fields, remedy: REMEDY });
    return null;
  };
  return {
    ...boundRecord(record),
    lastSeen: (sdkKey) => memory.head(sdkKey),
    readManifest: async (sdkKey) => {
      // Of two reads at once the later may answer first: only what was known before both counts.
      const before = memory.head(sdkKey);
      let stored: StoredManifest | null;
      try {
        stored = await record.readManifest(sdkKey);
      } catch (error) {
        // Not even a manifest, but an object is there.
        if (!(error instanceof FanoutError) || typeof error.fields.etag !== 'string') throw error;
        return distrust(sdkKey, error.fields.etag, { error: error.message });
      }
      if (stored === null) {
        memory.noteAbsent(sdkKey);
        return null;
      }
      const { manifest, etag } = stored;
      if (!(await seals.trusts(manifest)))
        return distrust(sdkKey, etag, foundOf(manifest, unsignedOf(manifest)));
      // An old manifest that is put back is signed as well.
      if (before !== null && isLater(before, manifest)) {
        const error = `it went back from seq ${before.seq} of ${before.lineage}`;
        return distrust(sdkKey, etag, foundOf(manifest, error));
      }
      memory.noteRead(manifest, before);
      return stored;
    },
    swapManifest: async (manifest, expectedEtag) => {
      const etag = expectedEtag ?? memory.distrustedEtag(manifest.sdkKey);
      const swapped = await record.swapManifest(manifest, etag);
      // Where the manifest is now, also when a clock makes its lineage look older than what was seen before.
      if (swapped !== 'conflict') memory.noteSwapped(manifest);
      return swapped;
    },
  };
}

/** A head that no trusted key has signed may be overwritten, as any message that is not ours. */
export function withTrustedHeads(bus: Bus, seals: Pick<Seals, 'trustsHead'>): Bus {
  return {
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

const unsignedOf = ({ seal, signature }: Manifest): string =>
  seal === undefined || signature === undefined ? 'it is not signed' : 'no trusted key has signed it so';

const foundOf = ({ lineage, seq, revision, signature }: Manifest, error: string) => ({
  lineage,
  seq,
  revision,
  error,
  keyId: keyIdOf(signature),
});

const REMEDY =
  'A datafile is fetched anew and a signed lineage begun. Where signing was not just turned on and no key was changed, a stranger writes to the bucket.';
