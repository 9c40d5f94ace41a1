// One change a second for as long as it takes, and when each receiver had it. A receiver that went straight to a later
// revision had the earlier change with it; one that never did has lost it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { DatafileJson } from '../../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../../infra/local/optimizely/flip-flag.ts';
import { putDatafile, sendWebhook } from '../../../../infra/local/stack/client.ts';
import type { Stack } from '../../../../infra/local/stack/stack.ts';
import { sharedNowMs } from './soak-clock.ts';

const CHANGE_EVERY_MS = 1_000;

export interface Change {
  readonly revision: number;
  /** On the shared clock, when the webhook was sent. */
  readonly sentAtMs: number;
  /** Of each receiver until it had this revision or a later one; null when it never did. */
  readonly timesMs: readonly (number | null)[];
}

export interface RefusedWebhook {
  readonly revision: number;
  readonly status: number;
}

export class Changes {
  readonly refused: RefusedWebhook[] = [];
  readonly #stack: Stack;
  readonly #receivers: number;
  readonly #flags: number;
  readonly #sent: { revision: number; sentAtMs: number }[] = [];
  /** When each receiver had exactly this revision. */
  readonly #arrivals = new Map<number, (number | null)[]>();
  #datafile: DatafileJson;

  constructor(stack: Stack, datafile: DatafileJson, receivers: number) {
    this.#stack = stack;
    this.#datafile = datafile;
    this.#receivers = receivers;
    this.#flags = datafile.featureFlags.length;
  }

  get lastRevision(): number {
    return Number(this.#datafile.revision);
  }

  arrived(receiver: number, revision: number, atMs: number): void {
    const times = this.#arrivals.get(revision) ?? new Array<number | null>(this.#receivers).fill(null);
    this.#arrivals.set(revision, times);
    times[receiver] ??= atMs;
  }

  /** So many changes, each once the one before was answered; fewer where that takes longer than `limitMs`. */
  async warmUp(count: number, limitMs: number): Promise<void> {
    const untilMs = sharedNowMs() + limitMs;
    for (let i = 0; i < count && sharedNowMs() < untilMs; i++) await (await this.#next()).answered;
  }

  /** Changes until `untilMs` (shared clock), each in its second, whether or not the one before has arrived. */
  async run(untilMs: number): Promise<void> {
    const answers: Promise<void>[] = [];
    for (let dueMs = sharedNowMs(); dueMs < untilMs; dueMs += CHANGE_EVERY_MS) {
      await sleep(Math.max(0, dueMs - sharedNowMs()));
      const { answered } = await this.#next();
      answers.push(answered);
    }
    await Promise.all(answers);
  }

  /** The CDN has the next revision and its webhook is on its way; wrapped, as a promise alone would be waited for. */
  async #next(): Promise<{ answered: Promise<void> }> {
    this.#datafile = flipFlag(this.#datafile, `flag_${(this.lastRevision % this.#flags) + 1}`);
    await putDatafile(this.#stack.addresses, this.#datafile);
    return { answered: this.#send(this.#datafile) };
  }

  /** Every receiver that can be told of has the last revision. */
  get isSettled(): boolean {
    const times = this.#arrivals.get(this.lastRevision);
    return times !== undefined && !times.includes(null);
  }

  /** All changes in their order. */
  results(): Change[] {
    const soonest = new Array<number | null>(this.#receivers).fill(null);
    const results = this.#sent.toReversed().map(({ revision, sentAtMs }) => {
      this.#arrivals.get(revision)?.forEach((atMs, receiver) => {
        soonest[receiver] = atMs ?? soonest[receiver] ?? null;
      });
      return { revision, sentAtMs, timesMs: soonest.map((atMs) => (atMs === null ? null : atMs - sentAtMs)) };
    });
    return results.reverse();
  }

  async #send(datafile: DatafileJson): Promise<void> {
    const revision = Number(datafile.revision);
    this.#sent.push({ revision, sentAtMs: sharedNowMs() });
    const response = await sendWebhook(this.#stack.addresses, datafile);
    await response.arrayBuffer();
    if (response.status !== 204) this.refused.push({ revision, status: response.status });
  }
}
