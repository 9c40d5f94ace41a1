// A change every so often: the CDN gets the next revision, and its webhook is sent. Failures (a dead CDN, a webhook
// that is not accepted) are part of the exercise and kept, not thrown.

import type { DatafileJson } from '../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../infra/local/optimizely/flip-flag.ts';
import { currentDatafile, putDatafile, sendWebhook } from '../../../infra/local/stack/client.ts';
import type { StackAddresses } from '../../../infra/local/stack/options.ts';

const INTERVAL_MS = 300;

export interface Change {
  readonly revision: number;
  readonly sentAtMs: number;
  /** Status of the answer to the webhook; null before it, and where none came. */
  status: number | null;
}

export class Changes {
  readonly made: Change[] = [];
  readonly #addresses: StackAddresses;
  #datafile: DatafileJson;
  #isPaused = false;
  #isStopped = false;
  #loop: Promise<void> | undefined;
  readonly #open = new Set<Promise<void>>();

  private constructor(addresses: StackAddresses, datafile: DatafileJson) {
    this.#addresses = addresses;
    this.#datafile = datafile;
  }

  static async begin(addresses: StackAddresses): Promise<Changes> {
    const changes = new Changes(addresses, await currentDatafile(addresses, addresses.sdkKey));
    changes.#loop = changes.#make();
    return changes;
  }

  /** The revision that every agent should serve. */
  get revision(): number {
    return Number(this.#datafile.revision);
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Resolves when a webhook has been sent and not yet answered. */
  async untilOneIsOpen(): Promise<void> {
    while (this.#open.size === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }

  /** The newest datafile once more, for a CDN that has forgotten it. */
  async restoreCdn(): Promise<void> {
    await putDatafile(this.#addresses, this.#datafile);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
    await Promise.all(this.#open);
  }

  async #make(): Promise<void> {
    while (!this.#isStopped) {
      if (!this.#isPaused) await this.#makeOne();
      await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
    }
  }

  async #makeOne(): Promise<void> {
    const next = flipFlag(this.#datafile, 'flag_1');
    try {
      await putDatafile(this.#addresses, next);
    } catch {
      return; // The CDN is down: there is no change to speak of, and the next try makes it.
    }
    this.#datafile = next;
    const change: Change = { revision: Number(next.revision), sentAtMs: Date.now(), status: null };
    this.made.push(change);
    // Not waited for: a webhook that hangs must not hold back the next change.
    const sending = sendWebhook(this.#addresses, next)
      .then(async (response) => {
        change.status = response.status;
        await response.arrayBuffer();
      })
      .catch(() => undefined) // The webhook was not answered, as `status` says.
      .finally(() => this.#open.delete(sending));
    this.#open.add(sending);
  }
}
