// The bus in memory: the rules of functions/ports.ts, with switches for what can go wrong.

import { setImmediate as turn } from 'node:timers/promises';
import type { Beat } from '../../../core/bus/beat.ts';
import { decodeHead, type Envelope } from '../../../core/bus/envelope.ts';
import type { SdkKey } from '../../../core/ids.ts';
import type { Bus, BusHead } from '../../../functions/ports.ts';
import { failure, KEY } from '../datafiles.ts';

export class FakeBus implements Bus {
  readonly heads = new Map<SdkKey, { readonly envelope: Envelope; readonly streamSequence: number }>();
  readonly published: Envelope[] = [];
  readonly beats: Beat[] = [];
  resets = 0;
  conflicts = 0;
  headReads = 0;
  isDown = false;
  isStreamMissing = false;
  /** Never answers, as a connection whose peer is gone. */
  hangs = false;
  payloadMax = 1024 * 1024;
  /** Runs before each publish; a test sneaks another publisher in here. */
  beforePublish: () => void = () => {};
  #sequence = 0;

  readHead = async (sdkKey: SdkKey): Promise<BusHead | null> => {
    await this.#io();
    this.headReads++;
    const found = this.heads.get(sdkKey);
    if (found === undefined) return null;
    return { head: headOf(found.envelope), streamSequence: found.streamSequence };
  };

  publish = async (sdkKey: SdkKey, envelope: Envelope, expected: number) => {
    await this.#io();
    this.beforePublish();
    if (envelope.payload.byteLength > this.payloadMax) throw failure('BUS_UNAVAILABLE');
    if ((this.heads.get(sdkKey)?.streamSequence ?? 0) !== expected) {
      this.conflicts++;
      return 'conflict' as const;
    }
    this.plant(sdkKey, envelope);
    this.published.push(envelope);
    return 'published' as const;
  };

  /** Puts a message at the head by hand. */
  plant(sdkKey: SdkKey, envelope: Envelope): void {
    this.heads.set(sdkKey, { envelope, streamSequence: ++this.#sequence });
  }

  payloadBytesMax = async () => this.payloadMax;

  sendBeat = async (beat: Beat) => {
    await this.#io();
    this.beats.push(beat);
  };

  ensureStream = async () => {
    await turn();
    if (this.isDown) throw failure('BUS_UNAVAILABLE');
    if (!this.isStreamMissing) return 'as-wanted' as const;
    this.isStreamMissing = false;
    return 'created' as const;
  };

  reset = () => void this.resets++;

  seqOf(sdkKey: SdkKey = KEY): number | null {
    const seq = this.heads.get(sdkKey)?.envelope.headers['Df-Seq'];
    return seq === undefined ? null : Number(seq);
  }

  async #io(): Promise<void> {
    await turn();
    if (this.hangs) await new Promise(() => {});
    if (this.isDown) throw failure('BUS_UNAVAILABLE');
    if (this.isStreamMissing) throw failure('STREAM_MISSING');
  }
}

/** Null for a message that is not a publisher's. */
function headOf({ headers }: Envelope): BusHead['head'] {
  try {
    return decodeHead((name) => headers[name] ?? '');
  } catch {
    return null;
  }
}
