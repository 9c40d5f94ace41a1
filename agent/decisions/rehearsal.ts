// Swaps rehearsed on a datafile of our own: code that has not run yet, or not for hours, takes five times as long, and changes
// are rare enough that nearly each of them meets such code. Decodes, checks, builds, tries and decides like a change, by
// clients that send nothing and that no request ever sees.

import { promisify } from 'node:util';
import { brotliCompress } from 'node:zlib';
import { decodeBody, type EnvelopeHead } from '../../core/bus/envelope.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import { rehearsalDatafile } from '../../core/datafile/rehearsal.ts';
import { errorFields } from '../../core/errors.ts';
import { type Seq, sha256Of, toSdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import { FlagClients } from './clients.ts';
import type { FlagClient } from './flag-client.ts';

/** The agent starts and answers its first requests before. */
const FIRST_AFTER_MS = 1_000;
const ROUNDS_AT_START = 8;
/** Between two rounds, for requests. */
const PAUSE_MS = 100;
/** V8 forgets code that is not run for some collections of garbage; 3 ms of processor each time. */
const AGAIN_AFTER_MS = 10 * 60_000;
const SDK_KEY = toSdkKey('Rehearsal');
const PROJECT_ID = '1';

export interface RehearsalOptions {
  readonly clock: Clock;
  readonly log: Log;
}

export class Rehearsal {
  readonly #options: RehearsalOptions;
  readonly #clients = new FlagClients({
    dispatcher: { dispatchEvent: async () => ({}) },
    send: () => {},
    // Failing to close is harmless: a client of the rehearsal's datafile has nothing open.
    onCloseFailed: () => {},
  });
  #timer: Timer | null = null;
  #rounds = 0;
  #last: FlagClient | null = null;
  #stopped = false;

  constructor(options: RehearsalOptions) {
    this.#options = options;
  }

  start(): void {
    this.#after(FIRST_AFTER_MS);
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#last?.retire();
  }

  /** One change: a new revision is built and takes the place of the one before. @throws FanoutError DATAFILE_* */
  async round(revision: number): Promise<void> {
    const body = rehearsalDatafile({ sdkKey: SDK_KEY, projectId: PROJECT_ID, revision });
    const sha256 = sha256Of(body);
    const message = await promisify(brotliCompress)(body);
    const head = { encoding: 'br', bytes: body.byteLength, sha256 } as EnvelopeHead;
    const expected = { sdkKey: SDK_KEY, projectId: PROJECT_ID };
    const seq = revision as Seq;
    const { built } = await this.#clients.build(decodeBody(head, message), sha256, expected, { seq });
    this.#last?.retire();
    this.#last = built;
  }

  #after(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#options.clock.after(delayMs, () => void this.#next());
  }

  async #next(): Promise<void> {
    try {
      await this.round(++this.#rounds);
    } catch (error) {
      this.#options.log.warn('rehearsal.failed', errorFields(error));
      return;
    }
    this.#after(this.#rounds < ROUNDS_AT_START ? PAUSE_MS : AGAIN_AFTER_MS);
  }
}
