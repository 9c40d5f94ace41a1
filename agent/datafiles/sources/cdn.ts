// The last resort: Optimizely's CDN, for an agent that finds its key neither on disk nor on the bus nor in S3. What
// it brings is seq 0, so that anything from the record replaces it.

import type { Clock, Random } from '../../../core/clock.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { FanoutError, messageOf } from '../../../core/errors.ts';
import type { ChangeId, SdkKey } from '../../../core/ids.ts';
import {
  askForDatafile,
  type DatafileAnswer,
  readDatafileBody,
  validatorsOf,
} from '../../../io/http/datafile-http.ts';
import { PollLoop } from './poll-loop.ts';
import { NO_LINEAGE, NO_SEQ, type Sink, type Source } from './source.ts';

const REQUEST_TIMEOUT_MS = 10_000;
const BACKOFF_FIRST_MS = 5_000;
const BACKOFF_MAX_MS = 60_000;

export interface CdnSourceOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** With `%s` for the SDK key. Credentials in it are sent where no access token is. */
  readonly urlTemplate: string;
  /** For keys with an access token. */
  readonly authUrlTemplate: string;
  readonly pollIntervalMs: number;
  /** True: says which keys exist and which tokens are good; what it would serve is not taken. */
  readonly vouchesOnly?: boolean;
  /** Datafile access token of a secure environment; null for others. */
  readonly tokenOf: (sdkKey: SdkKey) => string | null;
  /** Instead of the global one. */
  readonly fetch?: typeof fetch | undefined;
}

/** A good answer whose body is not read yet, which holds a connection: it is either followed up or discarded. */
export interface CdnAnswer {
  readonly response: Response;
  /** Does nothing once it is being read. */
  discard(): void;
}

interface Followed {
  readonly loop: PollLoop;
  /** For the first look, which then asks nothing. */
  first: CdnAnswer | null;
  etag: string | null;
  lastModified: string | null;
  /** Of the last look: 200 for a good one, 0 where the CDN did not answer; null before the first. */
  status: number | null;
}

export class CdnSource implements Source {
  readonly name = 'cdn';
  readonly #sink: Sink;
  readonly #options: CdnSourceOptions;
  readonly #followed = new Map<SdkKey, Followed>();
  #stopped = false;

  constructor(sink: Sink, options: CdnSourceOptions) {
    this.#sink = sink;
    this.#options = options;
  }

  /** @param first what the CDN has just answered for this key, to begin with */
  watch(sdkKey: SdkKey, first: CdnAnswer | null = null): Promise<void> {
    if (this.#stopped) {
      first?.discard();
      return Promise.resolve();
    }
    let followed = this.#followed.get(sdkKey);
    if (followed === undefined) {
      followed = { loop: this.#loop(sdkKey), first, etag: null, lastModified: null, status: null };
      this.#followed.set(sdkKey, followed);
    } else first?.discard();
    return followed.loop.now();
  }

  /** HTTP status of the last look when the CDN refused it (0: it did not answer); null otherwise. */
  refusal(sdkKey: SdkKey): number | null {
    const status = this.status(sdkKey);
    return status === 200 ? null : status;
  }

  /** HTTP status of the last look: 200 also for a datafile that has not changed, 0 for no answer; null before the first. */
  status(sdkKey: SdkKey): number | null {
    return this.#followed.get(sdkKey)?.status ?? null;
  }

  unwatch(sdkKey: SdkKey): void {
    this.#followed.get(sdkKey)?.loop.stop();
    this.#followed.delete(sdkKey);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    for (const sdkKey of [...this.#followed.keys()]) this.unwatch(sdkKey);
  }

  #loop(sdkKey: SdkKey): PollLoop {
    const { clock, random, pollIntervalMs } = this.#options;
    return new PollLoop({
      clock,
      random,
      backoffFirstMs: BACKOFF_FIRST_MS,
      backoffMaxMs: BACKOFF_MAX_MS,
      look: () => this.#look(sdkKey),
      intervalMs: () => pollIntervalMs,
    });
  }

  async #look(sdkKey: SdkKey): Promise<void> {
    const followed = this.#followed.get(sdkKey);
    if (followed === undefined) return;
    try {
      const response = await this.#ask(sdkKey, followed);
      followed.status = 200;
      if (this.#followed.get(sdkKey) !== followed) return;
      if (response === null) this.#sink.confirm(sdkKey, { lineage: NO_LINEAGE, seq: NO_SEQ });
      else if (this.#options.vouchesOnly) await this.#leave(followed, response);
      else await this.#offer(sdkKey, followed, response);
    } catch (error) {
      followed.status = statusOf(error);
      this.#sink.failed(this.name, sdkKey, error);
      throw error;
    }
  }

  async #ask(sdkKey: SdkKey, followed: Followed): Promise<Response | null> {
    const { first } = followed;
    followed.first = null;
    if (first !== null) return first.response;
    return this.#fetch(sdkKey, this.#options.tokenOf(sdkKey), conditionsOf(followed));
  }

  /**
   * Whether the CDN would give this key's datafile to a caller with this token: it alone knows which keys exist, which
   * environments are secure, and which tokens are good. Its answer when it would, with which the key can be watched, so that
   * nothing is downloaded twice; otherwise its HTTP status, 0 for no answer.
   */
  async vouch(sdkKey: SdkKey, token: string | null): Promise<CdnAnswer | number> {
    try {
      return answerOf((await this.#fetch(sdkKey, token, {})) ?? new Response(null));
    } catch (error) {
      this.#sink.failed(this.name, sdkKey, error);
      return statusOf(error);
    }
  }

  /** Null for "not modified". @throws FanoutError CDN_DENIED, CDN_FAILED */
  async #fetch(
    sdkKey: SdkKey,
    token: string | null,
    conditions: Readonly<Record<string, string>>,
  ): Promise<Response | null> {
    const { urlTemplate, authUrlTemplate, fetch: get } = this.#options;
    const template = token === null ? urlTemplate : authUrlTemplate;
    let answer: DatafileAnswer;
    try {
      answer = await askForDatafile({
        template,
        sdkKey,
        token,
        conditions,
        timeoutMs: REQUEST_TIMEOUT_MS,
        get,
      });
    } catch (cause) {
      throw failed(sdkKey, messageOf((cause as Error).cause ?? cause), 0, cause);
    }
    if (answer.kind === 'ok') return answer.response;
    if (answer.kind === 'unchanged') return null;
    const { status, statusText } = answer;
    if (answer.kind === 'denied') throw denied(sdkKey, status, statusText);
    throw failed(sdkKey, `${status} ${statusText}`, status);
  }

  /** The key exists, which is all that was asked. */
  async #leave(followed: Followed, response: Response): Promise<void> {
    followed.etag = response.headers.get('etag');
    await response.body?.cancel();
  }

  async #offer(sdkKey: SdkKey, followed: Followed, response: Response): Promise<void> {
    const body = await readDatafileBody(response, (bytesMax) =>
      failed(sdkKey, `more than ${bytesMax} bytes`, 200),
    );
    const { etag, lastModified, lastModifiedMs } = validatorsOf(response);
    const { revision, sha256 } = parseDatafile(body, { sdkKey });
    const outcome = await this.#sink.offer({
      sdkKey,
      revision,
      sha256,
      lineage: NO_LINEAGE,
      seq: NO_SEQ,
      changeId: `cdn-${revision}` as ChangeId,
      receivedAtMs: this.#options.clock.nowMs(),
      lastModifiedMs,
      source: this.name,
      fromRecord: false,
      load: async () => body,
    });
    if (outcome.kind === 'rejected') throw outcome.error;
    followed.etag = etag;
    followed.lastModified = lastModified;
  }
}

const answerOf = (response: Response): CdnAnswer => ({
  response,
  discard: () => {
    // Nothing is lost with a connection that broke in the meantime.
    if (!response.bodyUsed) response.body?.cancel().catch(() => {});
  },
});

const conditionsOf = ({ etag, lastModified }: Followed): Record<string, string> => ({
  ...(etag === null ? {} : { 'if-none-match': etag }),
  ...(lastModified === null ? {} : { 'if-modified-since': lastModified }),
});

const statusOf = (error: unknown): number =>
  error instanceof FanoutError ? Number(error.fields.status ?? 0) : 0;

const denied = (sdkKey: SdkKey, status: number, statusText: string) =>
  new FanoutError({
    code: 'CDN_DENIED',
    message: `The CDN has no datafile for ${sdkKey}: ${status} ${statusText}`,
    remedy: 'Check the SDK key; a secure environment also needs its access token (sdkKey:token).',
    retryable: false,
    fields: { sdkKey, status },
  });

const failed = (sdkKey: SdkKey, what: string, status: number, cause?: unknown) =>
  new FanoutError({
    code: 'CDN_FAILED',
    message: `The CDN did not give the datafile of ${sdkKey}: ${what}`,
    remedy: 'Check the network and the URL template; it is asked again by itself.',
    retryable: true,
    fields: { sdkKey, status },
    cause,
  });
