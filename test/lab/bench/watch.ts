// Sees when a decision of an agent changes, over HTTP as a client would, from outside. One request in flight per agent on
// one kept connection, and no request before a change can have arrived: the watcher shares its cores with what it measures.

import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Between an answer and the next question to the same agent. It is the error of a measurement, always upwards; at 1 ms the
 * questions to ten agents on two cores slow down the change more than that.
 */
const GAP_MS = 4;
const ANSWER_TIMEOUT_MS = 5_000;

export interface Sighting {
  /** performance.now() when the answer with the wanted decision was there; null when the deadline came first. */
  readonly seenAtMs: number | null;
  readonly questions: number;
  /** Answers other than 200, and connections that failed. */
  readonly failures: number;
}

export class Watcher {
  readonly #url: URL;
  readonly #sdkKey: string;
  readonly #connection = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(api: string, sdkKey: string) {
    this.#url = new URL('/v1/decide', api);
    this.#sdkKey = sdkKey;
  }

  /** `enabled` of one flag for one user, without events; null when the answer is no decision. */
  decide(flagKey: string): Promise<boolean | null> {
    const body = JSON.stringify({ userId: 'bench', decideOptions: ['DISABLE_DECISION_EVENT'] });
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent: this.#connection,
          host: this.#url.hostname,
          port: this.#url.port,
          path: `${this.#url.pathname}?keys=${encodeURIComponent(flagKey)}`,
          method: 'POST',
          timeout: ANSWER_TIMEOUT_MS,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'x-optimizely-sdk-key': this.#sdkKey,
          },
        },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            text += chunk;
          });
          response.on('end', () => resolve(response.statusCode === 200 ? enabledOf(text) : null));
          response.on('error', reject);
        },
      );
      outgoing.on('timeout', () => outgoing.destroy(new Error(`${this.#url} did not answer`)));
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** Asks from `fromMs` on, until the flag is as wanted or `untilMs` (both on performance.now()'s clock). */
  async waitFor(flagKey: string, enabled: boolean, fromMs: number, untilMs: number): Promise<Sighting> {
    let questions = 0;
    let failures = 0;
    await sleep(Math.max(0, fromMs - performance.now()));
    while (performance.now() < untilMs) {
      questions++;
      const decision = await this.decide(flagKey).catch(() => null);
      if (decision === enabled) return { seenAtMs: performance.now(), questions, failures };
      if (decision === null) failures++;
      await sleep(GAP_MS);
    }
    return { seenAtMs: null, questions, failures };
  }

  close(): void {
    this.#connection.destroy();
  }
}

function enabledOf(text: string): boolean | null {
  const decision = JSON.parse(text) as { enabled?: unknown };
  return typeof decision.enabled === 'boolean' ? decision.enabled : null;
}
