// What one process saw last of the record. It may be out of date: good for beginning early, and for noticing that a manifest
// went back; never for deciding what to publish.

import type { SdkKey } from '../../core/ids.ts';
import type { Manifest } from '../../core/record/manifest.ts';
import type { DatafileRecord } from '../ports.ts';

export class RecordMemory {
  readonly #heads = new Map<SdkKey, Manifest>();
  /** ETags of manifests that counted as none when they were last read. */
  readonly #distrusted = new Map<SdkKey, string>();

  /** The manifest as last read or written; null when it was never seen. */
  head(sdkKey: SdkKey): Manifest | null {
    return this.#heads.get(sdkKey) ?? null;
  }

  /** What a swap has to name to replace a manifest that counts as none. */
  distrustedEtag(sdkKey: SdkKey): string | null {
    return this.#distrusted.get(sdkKey) ?? null;
  }

  /** @param before `head()` when the read began: of two reads at once the later may answer first, and a swap comes between */
  noteRead(manifest: Manifest, before: Manifest | null): void {
    this.#distrusted.delete(manifest.sdkKey);
    if (this.head(manifest.sdkKey) === before) this.#heads.set(manifest.sdkKey, manifest);
  }

  noteSwapped(manifest: Manifest): void {
    this.#distrusted.delete(manifest.sdkKey);
    this.#heads.set(manifest.sdkKey, manifest);
  }

  noteDistrusted(sdkKey: SdkKey, etag: string): void {
    this.#distrusted.set(sdkKey, etag);
  }

  noteAbsent(sdkKey: SdkKey): void {
    this.#distrusted.delete(sdkKey);
  }
}

/** The same record, which remembers what was seen of it. */
export function withMemory(record: DatafileRecord, memory = new RecordMemory()): DatafileRecord {
  return {
    ...boundRecord(record),
    lastSeen: (sdkKey) => memory.head(sdkKey),
    readManifest: async (sdkKey) => {
      const before = memory.head(sdkKey);
      const stored = await record.readManifest(sdkKey);
      if (stored !== null) memory.noteRead(stored.manifest, before);
      return stored;
    },
    swapManifest: async (manifest, expectedEtag) => {
      const swapped = await record.swapManifest(manifest, expectedEtag);
      if (swapped !== 'conflict') memory.noteSwapped(manifest);
      return swapped;
    },
  };
}

/** A record's methods as an object that can be spread, whether it is a class or not. */
export function boundRecord(record: DatafileRecord): DatafileRecord {
  const { replaceBody, checkConditions } = record;
  return {
    readManifest: (sdkKey) => record.readManifest(sdkKey),
    swapManifest: (manifest, expectedEtag) => record.swapManifest(manifest, expectedEtag),
    putBody: (sdkKey, sha256, body) => record.putBody(sdkKey, sha256, body),
    readBody: (sdkKey, sha256) => record.readBody(sdkKey, sha256),
    ...(replaceBody !== undefined && { replaceBody: replaceBody.bind(record) }),
    ...(checkConditions !== undefined && { checkConditions: checkConditions.bind(record) }),
  };
}
