// Optimizely's Data Platform for all projects of the agent: segments of users, and events. In place of the SDK's own
// manager, which belongs to one client: this outlives every revision, lets each request choose its cache, and puts no
// user's id into the text of a query. Knows neither HTTP servers nor the SDK.

import { createHash } from 'node:crypto';
import type { Clock, Random } from '../../../core/clock.ts';
import type { OdpSettings } from '../../config/config.ts';
import type { OnFailure } from '../../services/failure-log.ts';
import type { RedisConnections } from '../../services/redis.ts';
import type { Ask } from '../../services/requester.ts';
import type { OdpProject } from '../project-traits.ts';
import { type OdpEvent, OdpEvents, USER_KEY } from './events.ts';
import { createSegmentCaches, type SegmentCache, type SegmentCaches } from './segment-cache.ts';
import { fetchSegments } from './segments.ts';

export interface OdpDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly ask: Ask;
  readonly redis: RedisConnections;
  readonly onFailure: OnFailure;
  /** What events call this agent's version. */
  readonly version: string;
}

/** The Data Platform of one project at one revision. */
export interface ProjectOdp {
  /**
   * The segments of a user, from the cache of that name (an empty name means the default one) or the platform.
   * Null when they cannot be had. Never rejects.
   */
  segmentsOf(
    userId: string,
    options: readonly string[],
    cacheName: string,
  ): Promise<readonly string[] | null>;
  /** Takes an event; it is sent later. False when too many are waiting. */
  send(event: OdpEvent): boolean;
  /** Drops the segments of the project's users that this process keeps. */
  forget(): void;
}

/** Of a hash; enough to tell a handful of projects apart. */
const ID_LENGTH = 16;

export class Odp {
  readonly #settings: OdpSettings;
  readonly #deps: OdpDeps;
  readonly #caches: SegmentCaches;
  readonly #events: OdpEvents;
  /** Questions on their way, so that a user's many requests ask once. */
  readonly #asked = new Map<string, Promise<readonly string[] | null>>();

  constructor(settings: OdpSettings, deps: OdpDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#caches = createSegmentCaches(settings.segmentsCache, deps);
    this.#events = new OdpEvents(settings, deps);
  }

  project(project: OdpProject): ProjectOdp {
    // What is cached answers one question: another account, or another list of segments, is another question.
    const id = createHash('sha256').update(JSON.stringify(project)).digest('hex').slice(0, ID_LENGTH);
    const prefix = `odp:${id}:`;
    return {
      segmentsOf: (userId, options, cacheName) => {
        if (project.segments.length === 0) return Promise.resolve([]);
        return this.#segments(project, this.#caches.of(cacheName), prefix, userId, options);
      },
      send: (event) => this.#events.add(project, event),
      forget: () => {
        for (const cache of this.#caches.all()) cache.forget(prefix);
      },
    };
  }

  /** Sends what is left, each batch once; resolves within `timeoutMs`. */
  stop(timeoutMs: number): Promise<void> {
    return this.#events.stop(timeoutMs);
  }

  async #segments(
    project: OdpProject,
    cache: SegmentCache,
    prefix: string,
    userId: string,
    options: readonly string[],
  ): Promise<readonly string[] | null> {
    if (options.includes('RESET_CACHE')) await cache.reset(prefix);
    if (options.includes('IGNORE_CACHE')) return this.#fetch(project, userId);
    const key = `${prefix}${USER_KEY}-$-${userId}`;
    const cached = await cache.get(key);
    if (cached !== null) return cached;
    const onItsWay = this.#asked.get(key);
    if (onItsWay !== undefined) return onItsWay;
    const asked = this.#fetch(project, userId);
    this.#asked.set(key, asked);
    const segments = await asked;
    this.#asked.delete(key);
    if (segments !== null) cache.set(key, segments);
    return segments;
  }

  async #fetch(project: OdpProject, userId: string): Promise<readonly string[] | null> {
    const { ask, onFailure } = this.#deps;
    try {
      return await fetchSegments(ask, project, USER_KEY, userId, this.#settings.segmentsRequestTimeoutMs);
    } catch (error) {
      onFailure({ service: 'odp', what: 'segments' }, error);
      return null;
    }
  }
}
