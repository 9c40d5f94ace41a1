// Hands datafiles to the workers. The store of the primary uses it as its builder, but nothing is built or parsed here: the
// stores of the workers judge and build in parallel, and their answers count. So N workers cost N builds and no more.

import { type Clock, withinMs } from '../../core/clock.ts';
import type { DatafileExpectation } from '../../core/datafile/datafile.ts';
import { type ErrorCode, FanoutError } from '../../core/errors.ts';
import type { SdkKey, Sha256 } from '../../core/ids.ts';
import type { Candidate, CandidateMeta } from '../datafiles/sources/source.ts';
import type { Builder, Built, Held } from '../datafiles/store.ts';
import { type LiveWorker, versionOf } from './live-worker.ts';
import type { DatafileOffer, OfferAnswer, Refusal } from './messages.ts';
import type { Pool } from './pool.ts';

/** How long a swap waits for a slow worker; afterwards it goes on without it, and health says who is behind. */
export const OFFER_TIMEOUT_MS = 3_000;
/** How long an offer waits for a first worker, at start and while all workers are dead. */
export const FIRST_WORKER_WAIT_MS = 30_000;

export class WorkerBroadcast implements Builder<null> {
  readonly #clock: Clock;
  readonly #pool: () => Pool;
  /** Workers that did not answer an offer in time, until they answer. */
  readonly #slow = new Set<LiveWorker>();
  #waiting: (() => void)[] = [];

  constructor(clock: Clock, pool: () => Pool) {
    this.#clock = clock;
    this.#pool = pool;
  }

  /** @throws FanoutError what the workers say against it; WORKERS_UNAVAILABLE when none could say */
  async build(
    body: Uint8Array,
    _sha256: Sha256,
    { sdkKey }: DatafileExpectation,
    candidate: CandidateMeta,
  ): Promise<Built<null>> {
    if (this.#pool().joined().length === 0) await this.#firstWorker();
    const offer = offerOf(candidate, body);
    const workers = this.#pool().joined();
    const asked = workers.map((worker) => this.#inTime(worker, this.#offer(worker, offer)));
    // The first datafile of a key waits for one worker only; a change waits for all workers that serve the key.
    const isFirst = !workers.some((worker) => worker.serves.has(sdkKey));
    const first = isFirst ? await firstThatServes(asked) : null;
    const answers = first === null ? await Promise.all(asked) : [first];
    const serves = first ?? answers.find((answer) => answer?.kind === 'serves');
    const refused = answers.find((answer) => answer?.kind === 'refused');
    if (serves?.kind !== 'serves')
      throw refused?.kind === 'refused' ? thrown(refused.refusal) : unavailable(sdkKey);
    for (const [i, answer] of asked.entries()) void this.#judge(workers[i] as LiveWorker, answer);
    const { revision, projectId, leftOut = [] } = serves;
    return { built: null, revision, projectId, leftOut };
  }

  retire(): void {}

  /** Offers the datafile to the workers that joined while it was being judged. */
  accepted(held: Held<unknown>): void {
    const version = versionOf(held);
    for (const worker of this.#pool().joined())
      if (worker.offered.get(held.sdkKey) !== version) void this.#offer(worker, offerOfHeld(held));
  }

  /** Call when a worker has joined: builds that wait for a first worker go on. */
  joined(): void {
    for (const run of this.#waiting) run();
    this.#waiting = [];
  }

  gone(worker: LiveWorker): void {
    this.#slow.delete(worker);
  }

  /** Null when the worker ends before it answers. */
  async #offer(worker: LiveWorker, offer: DatafileOffer): Promise<OfferAnswer | null> {
    const version = versionOf(offer);
    worker.offered.set(offer.sdkKey, version);
    try {
      const answer = await worker.peer.ask('offer', offer);
      if (answer.kind === 'serves') worker.serves.set(offer.sdkKey, version);
      return answer;
    } catch {
      return null; // The end of the worker was logged; the worker that replaces it gets every datafile.
    } finally {
      this.#slow.delete(worker);
    }
  }

  /** All workers get the same bytes: one that refuses what the others serve is faulty, and is replaced. */
  async #judge(worker: LiveWorker, answered: Promise<OfferAnswer | null>): Promise<void> {
    const answer = await answered;
    if (answer?.kind === 'refused')
      this.#pool().replace(worker, `refuses what others serve: ${answer.refusal.message}`);
  }

  async #inTime(worker: LiveWorker, answer: Promise<OfferAnswer | null>): Promise<OfferAnswer | null> {
    if (this.#slow.has(worker)) return null;
    return withinMs(this.#clock, OFFER_TIMEOUT_MS, answer, () => {
      this.#slow.add(worker);
      return null;
    });
  }

  #firstWorker(): Promise<void> {
    const joined = new Promise<void>((resolve) => this.#waiting.push(resolve));
    return withinMs(this.#clock, FIRST_WORKER_WAIT_MS, joined, () => {});
  }
}

/** Null when all have answered, and none serves. */
async function firstThatServes(answers: readonly Promise<OfferAnswer | null>[]): Promise<OfferAnswer | null> {
  const serving = answers.map(async (answered) => {
    const answer = await answered;
    if (answer?.kind !== 'serves') throw answer;
    return answer;
  });
  return Promise.any(serving).catch(() => null);
}

/** The candidate as its source offered it, without the function that loads it, which cannot be sent to another process. */
function offerOf(candidate: CandidateMeta, body: Uint8Array): DatafileOffer {
  const { load: _load, ...meta } = candidate as Candidate;
  return { ...meta, body };
}

/** A worker may trust a datafile that the primary has accepted as one that was just read from the record. */
export const offerOfHeld = (held: Held<unknown>): DatafileOffer =>
  offerOf({ ...held, fromRecord: true }, held.body);

export function refusalOf(code: string, error: unknown): Refusal {
  const { message = String(error), remedy = '' } = (error ?? {}) as Partial<FanoutError>;
  return { code, message, remedy };
}

const thrown = ({ code, message, remedy }: Refusal) =>
  new FanoutError({ code: code as ErrorCode, message, remedy, retryable: false });

const unavailable = (sdkKey: SdkKey) =>
  new FanoutError({
    code: 'WORKERS_UNAVAILABLE',
    message: `No worker could look at a datafile of ${sdkKey}`,
    remedy: 'It is offered again; see why the workers died or do not answer.',
    retryable: true,
    fields: { sdkKey },
  });
