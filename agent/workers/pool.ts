// Starts the workers, gives them their state, replaces those that die with growing delays, and stops them. Knows neither what
// a worker does nor how a process is started.

import type { Clock, Timer } from '../../core/clock.ts';
import { errorFields, FanoutError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { SavedProfile } from '../decisions/profiles/profiles.ts';
import { type LiveWorker, versionOf, type WorkerPeer } from './live-worker.ts';
import type { Beginning, PrimaryAnswers, WorkerNews } from './messages.ts';
import { type Answers, Peer } from './peer.ts';
import type { Spawn, Spawned } from './spawn.ts';

/** Delay before a dead worker is replaced; doubled each time that a worker dies soon after its start. */
export const RESTART_FIRST_MS = 100;
export const RESTART_MAX_MS = 10_000;
/** A worker that lived this long did not die of its start, and is replaced after the first delay. */
export const GROWN_UP_MS = 30_000;
/** From the start of its process until it listens. */
export const START_TIMEOUT_MS = 60_000;
/** Its longest: requests under way, services outside, clients that close. */
const STOP_TIMEOUT_MS = 25_000;
/** Of one message. */
const PROFILES_MAX = 1_000;

export interface PoolOptions {
  readonly count: number;
  readonly spawn: Spawn;
  readonly clock: Clock;
  readonly log: Log;
  /** The primary's handlers of questions and news of a worker. */
  readonly answersFor: (worker: LiveWorker) => Answers<PrimaryAnswers>;
  readonly newsFor: (worker: LiveWorker) => Omit<WorkerNews, 'hello'>;
  readonly beginningFor: (worker: LiveWorker) => Beginning;
  /** Overrides and profiles of users, for a worker that joins. */
  readonly profiles: () => Iterable<SavedProfile>;
  /** The worker has its state; offers reach it from now on. */
  readonly onJoined: (worker: LiveWorker) => void;
  readonly onGone: (worker: LiveWorker) => void;
}

type Child = LiveWorker & { readonly process: Spawned };

interface Place {
  readonly worker: number;
  live: Child | null;
  startedAtMs: number;
  restarts: number;
  diedYoung: number;
  timer: Timer | null;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #places: readonly Place[];
  readonly #listening = Promise.withResolvers<number>();
  #everListened = false;
  #stopping = false;
  #onExit = () => {};

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#places = Array.from({ length: options.count }, (_, i) => ({
      ...{ worker: i + 1, live: null, startedAtMs: 0, restarts: 0, diedYoung: 0, timer: null },
    }));
    this.#listening.promise.catch(() => {}); // start() returns the error.
  }

  /**
   * Resolves with the API port when the first worker listens; the others follow.
   * @throws FanoutError WORKER_FAILED when the port cannot be had
   */
  start(): Promise<number> {
    for (const place of this.#places) this.#begin(place);
    return this.#listening.promise;
  }

  live(): readonly LiveWorker[] {
    return this.#places.flatMap(({ live }) => live ?? []);
  }

  /** Workers that have joined, and answer questions. */
  joined(): readonly LiveWorker[] {
    return this.live().filter(({ joined }) => joined);
  }

  /** The state of each place, with or without a live worker. */
  places(): readonly {
    readonly worker: number;
    readonly restarts: number;
    readonly live: LiveWorker | null;
  }[] {
    return this.#places;
  }

  /** Ends a faulty worker; another one replaces it. */
  replace(worker: LiveWorker, reason: string): void {
    this.#options.log.error('worker.replaced', { worker: worker.worker, pid: worker.pid, reason });
    this.#placeOf(worker)?.live?.process.kill();
  }

  /** Lets all of them finish what is under way, within a limit. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { timer } of this.#places) timer?.cancel();
    const { clock } = this.#options;
    const cutOff = clock.after(STOP_TIMEOUT_MS, () => {
      for (const { live } of this.#places) live?.process.kill();
    });
    const gone = new Promise<void>((resolve) => {
      this.#onExit = () => {
        if (this.#places.every(({ live }) => live === null)) resolve();
      };
    });
    for (const { live } of this.#places) if (live !== null) void this.#end(live);
    this.#onExit();
    await gone;
    cutOff.cancel();
  }

  async #end(live: Child): Promise<void> {
    // A worker that is loading has nothing to finish, and does not read messages yet.
    if (!live.joined) return live.process.kill();
    live.state = 'stopping';
    // The channel is closed already: wait for the end of the worker.
    await live.peer.ask('stop', null).catch(() => {});
    live.process.end();
  }

  #begin(place: Place): void {
    const { spawn, clock } = this.#options;
    place.startedAtMs = clock.nowMs();
    const process = spawn({
      onMessage: (message) => live.peer.receive(message),
      onExit: (how) => this.#exited(place, live, how),
    });
    const live: Child = this.#liveAt(place, process);
    place.live = live;
    place.timer = clock.after(START_TIMEOUT_MS, () =>
      this.replace(live, `does not listen after ${START_TIMEOUT_MS} ms`),
    );
  }

  #liveAt(place: Place, process: Spawned): Child {
    const { answersFor, newsFor } = this.#options;
    const { worker } = place;
    const live: Child = {
      ...{ worker, pid: process.pid, process, state: 'starting', joined: false },
      ...{ offered: new Map(), serves: new Map() },
      get peer() {
        return peer;
      },
    };
    const peer: WorkerPeer = new Peer({
      send: process.send,
      answers: { ...answersFor(live) },
      news: { ...newsFor(live), hello: () => void this.#welcome(place, live) },
    });
    return live;
  }

  async #welcome(place: Place, live: LiveWorker): Promise<void> {
    const { beginningFor, profiles, onJoined, log, clock } = this.#options;
    const beginning = beginningFor(live);
    const versions = new Map(beginning.datafiles.map((it) => [it.sdkKey, versionOf(it)]));
    for (const [sdkKey, version] of versions) live.offered.set(sdkKey, version);
    live.joined = true;
    try {
      const began = live.peer.ask('begin', beginning);
      onJoined(live);
      for (const sdkKey of await began)
        if (!live.serves.has(sdkKey)) live.serves.set(sdkKey, versions.get(sdkKey) ?? '');
      for (const saved of chunks(profiles(), PROFILES_MAX)) live.peer.tell('profiles', saved);
      const apiPort = await live.peer.ask('listen', null);
      place.timer?.cancel();
      live.state = 'serving';
      this.#everListened = true;
      const startedInMs = clock.nowMs() - place.startedAtMs;
      log.info('worker.started', { worker: live.worker, pid: live.pid, startedInMs });
      this.#listening.resolve(apiPort);
    } catch (error) {
      // Its end is told elsewhere.
      if (place.live !== live) return;
      if (!this.#everListened) this.#listening.reject(error);
      this.replace(live, messageOf(error));
    }
  }

  #exited(place: Place, live: LiveWorker, how: string): void {
    const { clock, log, onGone } = this.#options;
    place.timer?.cancel();
    place.live = null;
    live.peer.close();
    onGone(live);
    if (!this.#stopping) {
      const livedMs = clock.nowMs() - place.startedAtMs;
      place.diedYoung = livedMs < GROWN_UP_MS ? place.diedYoung + 1 : 0;
      const waitMs = Math.min(RESTART_MAX_MS, RESTART_FIRST_MS * 2 ** Math.max(0, place.diedYoung - 1));
      const { worker, pid } = live;
      log.error('worker.exited', { worker, pid, livedMs, waitMs, ...errorFields(died(how)) });
      place.restarts++;
      place.timer = clock.after(waitMs, () => this.#begin(place));
    }
    this.#onExit();
  }

  #placeOf(worker: LiveWorker): Place | undefined {
    return this.#places.find(({ live }) => live === worker);
  }
}

function* chunks<T>(all: Iterable<T>, size: number): Iterable<T[]> {
  let chunk: T[] = [];
  for (const one of all) {
    chunk.push(one);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

const died = (how: string) =>
  new FanoutError({
    code: 'WORKER_FAILED',
    message: `A worker ended (${how}); the others serve meanwhile`,
    remedy:
      'Another one is started by itself; if they go on dying, see standard error and their memory limit.',
    retryable: true,
  });
