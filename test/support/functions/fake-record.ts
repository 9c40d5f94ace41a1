// The record in memory: the rules of functions/ports.ts, with switches for what can go wrong.

import { setImmediate as turn } from 'node:timers/promises';
import { checkBody } from '../../../core/bus/envelope.ts';
import { type SdkKey, type Sha256, sha256Of } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { encodeManifest } from '../../../core/record/manifest-codec.ts';
import type { DatafileRecord } from '../../../functions/ports.ts';
import { RecordMemory } from '../../../functions/record/record-memory.ts';
import { failure, KEY } from '../datafiles.ts';

export class FakeRecord implements DatafileRecord {
  readonly manifests = new Map<SdkKey, { manifest: Manifest; etag: string }>();
  readonly bodies = new Map<string, Uint8Array>();
  /** Every manifest that was ever swapped in, in order. */
  readonly swaps: Manifest[] = [];
  writes = 0;
  bodyPuts = 0;
  reads = 0;
  isDown = false;
  /** Stores the next swap and then says `conflict`, as a client does that repeats a call whose answer was lost. */
  losesSwapAnswer = false;
  /** Runs after each swap; a test lets another writer move it on in here. */
  onSwapped: (manifest: Manifest) => void = () => {};
  readonly #memory = new RecordMemory();

  lastSeen(sdkKey: SdkKey): Manifest | null {
    return this.#memory.head(sdkKey);
  }

  async readManifest(sdkKey: SdkKey) {
    await this.#io();
    this.reads++;
    const stored = this.manifests.get(sdkKey) ?? null;
    if (stored !== null) this.#memory.noteRead(stored.manifest, this.lastSeen(sdkKey));
    return stored;
  }

  async swapManifest(manifest: Manifest, expectedEtag: string | null) {
    await this.#io();
    if ((this.manifests.get(manifest.sdkKey)?.etag ?? null) !== expectedEtag) return 'conflict' as const;
    const etag = `"${sha256Of(encodeManifest(manifest)).slice(0, 32)}"`;
    this.manifests.set(manifest.sdkKey, { manifest, etag });
    this.#memory.noteSwapped(manifest);
    this.swaps.push(manifest);
    this.writes++;
    this.onSwapped(manifest);
    if (!this.losesSwapAnswer) return { etag };
    this.losesSwapAnswer = false;
    return 'conflict' as const;
  }

  async putBody(sdkKey: SdkKey, sha256: Sha256, body: Uint8Array) {
    await this.#io();
    if (sha256Of(body) !== sha256) throw new Error('a body under a wrong hash');
    this.bodyPuts++;
    const name = `${sdkKey} ${sha256}`;
    if (this.bodies.has(name)) return 'already-there' as const;
    this.bodies.set(name, body);
    this.writes++;
    return 'written' as const;
  }

  async readBody(sdkKey: SdkKey, sha256: Sha256) {
    await this.#io();
    const body = this.bodies.get(`${sdkKey} ${sha256}`);
    if (body === undefined) throw failure('BODY_MISSING');
    return checkBody(sha256, body);
  }

  async replaceBody(sdkKey: SdkKey, sha256: Sha256, body: Uint8Array) {
    await this.#io();
    this.bodies.set(`${sdkKey} ${sha256}`, body);
    this.writes++;
  }

  headOf(sdkKey: SdkKey = KEY): Manifest | undefined {
    return this.manifests.get(sdkKey)?.manifest;
  }

  async #io(): Promise<void> {
    await turn();
    if (this.isDown) throw failure('RECORD_UNAVAILABLE');
  }
}
