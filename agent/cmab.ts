// Contextual bandits: the SDK asks a prediction endpoint which variation a user gets. This carries its requests, within
// the operator's limits of time and retries, and keeps its answers over every revision. Knows no datafile.

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, sleep } from '../core/clock.ts';
import type { SdkKey } from '../core/ids.ts';
import type { SdkCmab, SdkRequestHandler } from './clients.ts';
import type { CacheSettings, CmabSettings } from './config.ts';
import { ExpiringMap } from './outside/expiring-map.ts';
import type { Answer, Ask } from './outside/requester.ts';
import type { OnTrouble } from './outside/troubles.ts';
import { serviceFailed } from './outside/within.ts';
import type { Redis, RedisConnections } from './redis.ts';

const NAME = 'The CMAB prediction endpoint';
/** Requests that were given up and that the SDK may yet repeat. */
const GIVEN_UP_MAX = 1_000;

export interface CmabDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  readonly redis: RedisConnections;
  readonly onTrouble: OnTrouble;
}

type Cache = NonNullable<NonNullable<SdkCmab>['cache']>;
/** Rule id → the prediction's own id. */
export type PredictionIds = ReadonlyMap<string, string>;

export class Cmab {
  readonly requestHandler: SdkRequestHandler;
  readonly #settings: CmabSettings;
  readonly #deps: CmabDeps;
  readonly #store: AsyncStore;
  readonly #givenUp = new Set<string>();
  /** Of the request that decides now: the SDK keeps the ids of predictions to itself. */
  readonly #ids = new AsyncLocalStorage<Map<string, string>>();

  constructor(settings: CmabSettings, deps: CmabDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#store = createStore(settings.cache, deps);
    this.requestHandler = {
      makeRequest: (url, headers, method, data = '') => ({
        responsePromise: this.#predict(url, headers as Record<string, string>, method, data).then(
          ({ status, text }) => ({ statusCode: status, body: text, headers: {} }),
        ),
        abort: () => {},
      }),
    };
  }

  /** What a client of that key is built with. */
  optionsFor(sdkKey: SdkKey): NonNullable<SdkCmab> {
    const { predictionEndpoint } = this.#settings;
    const cache = this.#cacheOf(`cmab:${sdkKey}:`);
    return {
      cache,
      ...(predictionEndpoint === null ? {} : { predictionEndpointTemplate: predictionEndpoint }),
    };
  }

  /** Runs `decide`; gives what it gave, and the ids of the predictions it was made by. */
  async traced<T>(decide: () => Promise<T>): Promise<{ readonly value: T; readonly ids: PredictionIds }> {
    const ids = new Map<string, string>();
    const value = await this.#ids.run(ids, decide);
    return { value, ids };
  }

  /** Retries are the operator's; the SDK, which would repeat once more, is told the same again at once. */
  async #predict(
    url: string,
    headers: Record<string, string>,
    method: string,
    body: string,
  ): Promise<Answer> {
    const { requestTimeoutMs: timeoutMs, retry } = this.#settings;
    if (this.#givenUp.delete(body)) throw serviceFailed(NAME, 'it was given up');
    let backoffMs = retry.initialBackoffMs;
    for (let retries = 0; ; retries++) {
      try {
        const answer = await this.#deps.ask(NAME, url, { method, headers, body, timeoutMs });
        if (answer.status < 200 || answer.status > 299) throw serviceFailed(NAME, `status ${answer.status}`);
        this.#noteIds(body);
        return answer;
      } catch (error) {
        this.#deps.onTrouble({ service: 'cmab', what: 'prediction' }, error);
        if (retries >= retry.maxRetries) {
          if (this.#givenUp.size >= GIVEN_UP_MAX) this.#givenUp.clear();
          this.#givenUp.add(body);
          throw error;
        }
      }
      await sleep(this.#deps.clock, backoffMs);
      backoffMs = Math.min(backoffMs * retry.backoffMultiplier, retry.maxBackoffMs);
    }
  }

  #noteIds(body: string): void {
    const ids = this.#ids.getStore();
    if (ids === undefined) return;
    const { instances } = JSON.parse(body) as { instances: { experimentId: string; cmabUUID: string }[] };
    for (const { experimentId, cmabUUID } of instances) ids.set(experimentId, cmabUUID);
  }

  /** Closures, not methods: the SDK calls them on an object of its own. A cache that fails has nothing, never rejects. */
  #cacheOf(prefix: string): Cache {
    const failed = (error: unknown): undefined => {
      this.#deps.onTrouble({ service: 'cmab', what: 'cache' }, error);
    };
    const store = this.#store;
    return {
      operation: 'async',
      lookup: async (key: string) => {
        const text = await store.get(prefix + key).catch(failed);
        const value = text == null ? null : readValue(text);
        if (text == null || value === null) return undefined;
        // The rule's id is the last part of the key, after the length of the user's id and the id itself.
        this.#ids.getStore()?.set(key.slice(key.lastIndexOf('-') + 1), value.cmabUuid);
        return text;
      },
      save: (key: string, value: string) => store.set(prefix + key, value).catch(failed),
      remove: (key: string) => store.remove(prefix + key).catch(failed),
      reset: () => store.removeAll(prefix).catch(failed),
    };
  }
}

type AsyncStore = Pick<Redis, 'get' | 'remove' | 'removeAll'> & {
  readonly set: (key: string, value: string) => Promise<void>;
};

function createStore(settings: CacheSettings, { clock, redis }: CmabDeps): AsyncStore {
  if (settings.kind === 'redis') {
    const server = redis.of(settings.redis);
    return {
      get: (key) => server.get(key),
      set: (key, value) => server.set(key, value, settings.timeoutMs),
      remove: (key) => server.remove(key),
      removeAll: (prefix) => server.removeAll(prefix),
    };
  }
  const kept = new ExpiringMap<string>(clock, settings.size, settings.timeoutMs);
  return {
    get: async (key) => kept.get(key) ?? null,
    set: async (key, value) => kept.set(key, value),
    remove: async (key) => kept.delete(key),
    removeAll: async (prefix) => kept.deleteAll(prefix),
  };
}

/** Null for what the SDK did not write: it would fail on it. */
function readValue(text: string): { readonly cmabUuid: string } | null {
  try {
    const { attributesHash, variationId, cmabUuid } = JSON.parse(text);
    return [attributesHash, variationId, cmabUuid].every((it) => typeof it === 'string')
      ? { cmabUuid }
      : null;
  } catch {
    return null; // Somebody else's entry counts as none.
  }
}
