// The functions' side of a bus, without the functions: their bus client and their way of announcing, with datafiles of its own
// making. For tests of what a bus lets its users do.

import { randomUUID } from 'node:crypto';
import { compressBody } from '../../../core/bus/envelope.ts';
import type { ChangeId, Lineage, SdkKey, Seq } from '../../../core/ids.ts';
import { createManifest, type Manifest } from '../../../core/record/manifest.ts';
import { NatsBus } from '../../../functions/bus/bus.ts';
import { type SwappedHead, swapHead } from '../../../functions/publish/swap-head.ts';
import { datafileOf, KEY, OTHER_KEY, realClock } from '../../agent/support/fakes.ts';
import { PASSWORDS } from './shipped-nats.ts';

export { KEY, OTHER_KEY };

const TOOLS = { clock: realClock, random: Math.random };

export class TestAnnouncer {
  readonly bus: NatsBus;
  readonly #lineage = randomUUID() as Lineage;
  readonly #seqs = new Map<SdkKey, number>();

  constructor(url: string, replicas = 1) {
    const settings = { servers: [url], user: 'publisher', password: PASSWORDS.publisher, replicas };
    this.bus = new NatsBus(settings, realClock);
  }

  /** The next seq of this key. */
  announce(sdkKey: SdkKey): Promise<SwappedHead> {
    this.#seqs.set(sdkKey, this.seqOf(sdkKey) + 1);
    return this.announceAgain(sdkKey);
  }

  async announceAgain(sdkKey: SdkKey): Promise<SwappedHead> {
    const seq = this.seqOf(sdkKey);
    const datafile = datafileOf(seq, sdkKey);
    const manifest: Manifest = {
      ...createManifest(datafile, arrivalOf(seq), this.#lineage),
      seq: seq as Seq,
    };
    return swapHead({ bus: this.bus, ...TOOLS }, manifest, () => compressBody(datafile.body));
  }

  /** @param askShare of the agents that are to say what they refuse */
  beat(askShare?: number): Promise<void> {
    const heads = [...this.#seqs].map(
      ([key, seq]) => [key, { lineage: this.#lineage, seq: seq as Seq }] as const,
    );
    const asked = askShare === undefined ? {} : { askShare };
    return this.bus.sendBeat({ sentAtMs: Date.now(), heads: new Map(heads), ...asked });
  }

  seqOf(sdkKey: SdkKey): number {
    return this.#seqs.get(sdkKey) ?? 0;
  }

  close(): void {
    this.bus.reset();
  }
}

const arrivalOf = (seq: number) => ({
  cause: 'webhook' as const,
  changeId: `change-${seq}` as ChangeId,
  receivedAtMs: Date.now(),
  publishedAtMs: Date.now(),
  cdn: { etag: null, lastModifiedMs: null },
});
