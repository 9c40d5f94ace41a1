// Contextual bandits: the SDK asks a prediction endpoint which variation a user gets. This carries its requests, within
// the operator's limits of time and retries, and keeps its answers over every revision. Knows no datafile.

import { AsyncLocalStorage } from 'node:async_hooks';
import { type Clock, sleep } from '../../../core/clock.ts';
import type { SdkKey } from '../../../core/ids.ts';
import type { CmabSettings } from '../../config/config.ts';
import type { OnFailure } from '../../services/failure-log.ts';
import type { RedisConnections } from '../../services/redis.ts';
import type { Answer, Ask } from '../../services/requester.ts';
import { serviceFailed } from '../../services/time-limit.ts';
import type { SdkCmab, SdkRequestHandler } from '../sdk-types.ts';
import { type Cache, type CacheStore, createCacheStore, predictionCache } from './cache.ts';

const NAME = 'The CMAB prediction endpoint';
/** Requests that were given up and that the SDK may yet repeat. */
const GIVEN_UP_MAX = 1_000;

export interface CmabDeps {
  readonly clock: Clock;
  readonly ask: Ask;
  readonly redis: RedisConnections;
  readonly onFailure: OnFailure;
}

/** Rule id → the prediction's own id. */
export type PredictionIds = ReadonlyMap<string, string>;
/** Rule id → ids of the variations that the rule has. */
export type VariationsOf = (ruleId: string) => ReadonlySet<string> | undefined;

/** What became of the predictions of one request. */
export interface Predictions {
  readonly ids: PredictionIds;
  /** Rule id → the predicted variation, which the rule does not have. */
  readonly unknown: ReadonlyMap<string, string>;
}

interface Tracked {
  readonly ids: Map<string, string>;
  readonly unknown: Map<string, string>;
}

export class Cmab {
  readonly #settings: CmabSettings;
  readonly #deps: CmabDeps;
  readonly #store: CacheStore;
  readonly #givenUp = new Set<string>();
  /** Of the request that decides now: the SDK keeps the ids of predictions to itself. */
  readonly #tracked = new AsyncLocalStorage<Tracked>();

  constructor(settings: CmabSettings, deps: CmabDeps) {
    this.#settings = settings;
    this.#deps = deps;
    this.#store = createCacheStore(settings.cache, deps);
  }

  /**
   * What a client of that key is built with.
   * @param variationsOf of its datafile; a prediction of any other variation is none
   */
  optionsFor(
    sdkKey: SdkKey,
    variationsOf: VariationsOf,
  ): { readonly cmab: NonNullable<SdkCmab>; readonly requestHandler: SdkRequestHandler } {
    const { predictionEndpoint } = this.#settings;
    const template = predictionEndpoint === null ? {} : { predictionEndpointTemplate: predictionEndpoint };
    const ask = (url: string, headers: object, method: string, body: string) =>
      this.#predict({ url, headers: headers as Record<string, string>, method, body, variationsOf });
    return {
      cmab: { cache: this.#cacheOf(sdkKey, variationsOf), ...template },
      requestHandler: {
        makeRequest: (url, headers, method, data = '') => ({
          responsePromise: ask(url, headers, method, data).then(({ status, text }) => ({
            statusCode: status,
            body: text,
            headers: {},
          })),
          abort: () => {},
        }),
      },
    };
  }

  /** Drops the predictions of that key that this process keeps. */
  forget(sdkKey: SdkKey): void {
    this.#store.forget(cachePrefix(sdkKey));
  }

  /** Runs `decide`; gives what it gave, and what became of the predictions that it asked for. */
  async traced<T>(decide: () => Promise<T>): Promise<{ readonly value: T } & Predictions> {
    const tracked = { ids: new Map<string, string>(), unknown: new Map<string, string>() };
    const value = await this.#tracked.run(tracked, decide);
    return { value, ...tracked };
  }

  #cacheOf(sdkKey: SdkKey, variationsOf: VariationsOf): Cache {
    return predictionCache({
      prefix: cachePrefix(sdkKey),
      store: this.#store,
      onFound: ({ ruleId, variationId, cmabUuid }) => {
        // Of an older revision, whose rule had another variation: it is asked for anew.
        if (variationsOf(ruleId)?.has(variationId) === false) return false;
        this.#tracked.getStore()?.ids.set(ruleId, cmabUuid);
        return true;
      },
      onFailed: (error) => this.#deps.onFailure({ service: 'cmab', what: 'cache' }, error),
    });
  }

  /** Retries are the operator's; the SDK, which would repeat once more, is told the same again at once. */
  async #predict(question: Question): Promise<Answer> {
    const { body, variationsOf } = question;
    if (this.#givenUp.delete(body)) throw serviceFailed(NAME, 'it was given up');
    const { experimentId, cmabUUID } = instanceOf(body);
    const tracked = this.#tracked.getStore();
    try {
      const answer = await this.#ask(question);
      const variationId = variationIn(answer.text);
      if (variationsOf(experimentId)?.has(variationId) === false) {
        tracked?.unknown.set(experimentId, variationId);
        throw serviceFailed(
          NAME,
          `it names variation ${variationId}, which rule ${experimentId} does not have`,
        );
      }
      tracked?.ids.set(experimentId, cmabUUID);
      return answer;
    } catch (error) {
      if (this.#givenUp.size >= GIVEN_UP_MAX) this.#givenUp.clear();
      this.#givenUp.add(body);
      this.#failed(error);
      throw error;
    }
  }

  /** Until there is an answer with a variation, or no retry is left. */
  async #ask({ url, headers, method, body }: Question): Promise<Answer> {
    const { requestTimeoutMs: timeoutMs, retry } = this.#settings;
    let backoffMs = retry.initialBackoffMs;
    for (let retries = 0; ; retries++) {
      try {
        const answer = await this.#deps.ask(NAME, url, { method, headers, body, timeoutMs });
        if (answer.status < 200 || answer.status > 299) throw serviceFailed(NAME, `status ${answer.status}`);
        variationIn(answer.text);
        return answer;
      } catch (error) {
        if (retries >= retry.maxRetries) throw error;
        this.#failed(error);
      }
      await sleep(this.#deps.clock, backoffMs);
      backoffMs = Math.min(backoffMs * retry.backoffMultiplier, retry.maxBackoffMs);
    }
  }

  #failed(error: unknown): void {
    this.#deps.onFailure({ service: 'cmab', what: 'prediction' }, error);
  }
}

const cachePrefix = (sdkKey: SdkKey): string => `cmab:${sdkKey}:`;

interface Instance {
  readonly experimentId: string;
  readonly cmabUUID: string;
}

interface Question {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly method: string;
  readonly body: string;
  readonly variationsOf: VariationsOf;
}

/** The SDK asks for one prediction at a time. */
const instanceOf = (body: string): Instance =>
  (JSON.parse(body) as { instances: readonly [Instance] }).instances[0];

/** @throws FanoutError for an answer without a variation */
function variationIn(text: string): string {
  let variationId: unknown;
  try {
    const { predictions } = JSON.parse(text) as { predictions?: { variation_id?: unknown }[] };
    variationId = predictions?.[0]?.variation_id;
  } catch {
    variationId = undefined; // Said below.
  }
  const isNamed = typeof variationId === 'number' || (typeof variationId === 'string' && variationId !== '');
  if (!isNamed) throw serviceFailed(NAME, 'its answer names no variation');
  return String(variationId);
}
