// Asks services outside over HTTP, on kept-alive connections, with a limit for everything: time from first to last byte,
// connections, and the size of an answer. The caller decides what an answer means.

import http from 'node:http';
import https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { isFanoutError, messageOf } from '../../core/errors.ts';
import { judgeUrl } from '../../core/http/outbound.ts';
import { Agents } from '../../io/http/agents.ts';
import { createPublicLookup } from './public-lookup.ts';
import { serviceFailed, within } from './time-limit.ts';

/** At a time, to one host. */
const CONNECTIONS_MAX = 64;
const ANSWER_BYTES_MAX = 1024 * 1024;

export interface Question {
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** For the whole answer to arrive, waiting for a connection included. */
  readonly timeoutMs: number;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** @throws FanoutError SERVICE_FAILED when there is no answer at all; any status is one */
export type Ask = (service: string, url: string, question: Question) => Promise<Answer>;

export interface Requester {
  /** For what the operator configured. */
  readonly ask: Ask;
  /** For what a datafile names. @throws FanoutError SERVICE_FAILED, OUTBOUND_REFUSED */
  readonly askNamed: Ask;
  /** Aborts the requests in flight. */
  close(): void;
}

export interface NamedOptions {
  /** Origins that a datafile may name beside Optimizely's. */
  readonly origins: readonly string[];
  /** Of names that the operator did not list. */
  readonly lookup?: LookupFunction;
}

export function createRequester(clock: Clock, named: NamedOptions = { origins: [] }): Requester {
  const options = { keepAlive: true, maxSockets: CONNECTIONS_MAX, maxFreeSockets: CONNECTIONS_MAX };
  const agents = new Agents(options);
  // Connections of their own: one that was opened to an operator's address must not serve a datafile's.
  const publicAgents = new Agents({ ...options, lookup: named.lookup ?? createPublicLookup() });
  const askWith =
    (choose: (url: string) => { readonly url: URL | null; readonly agents: Agents }): Ask =>
    async (service, url, question) => {
      const { url: target, agents: chosen } = choose(url);
      if (target?.protocol !== 'http:' && target?.protocol !== 'https:')
        throw serviceFailed(service, 'its address is not an http(s) URL');
      const { request } = target.protocol === 'https:' ? https : http;
      const controller = new AbortController();
      const send = () => exchange(request, chosen.of(target), target, question, controller.signal);
      const answer = send().catch((error: unknown) => {
        // An idle connection that the other side was just closing: nothing was asked yet.
        if (error instanceof StaleConnection) return send();
        throw error;
      });
      try {
        return await within(clock, question.timeoutMs, service, answer);
      } catch (cause) {
        controller.abort();
        if (isFanoutError(cause)) throw cause;
        throw serviceFailed(service, messageOf(cause), cause);
      }
    };
  return {
    ask: askWith((url) => ({ url: URL.parse(url), agents })),
    askNamed: askWith((text) => {
      const { url, isOperators } = judgeUrl(text, named.origins);
      return { url, agents: isOperators ? agents : publicAgents };
    }),
    close: () => {
      for (const each of [agents, publicAgents]) each.destroy();
    },
  };
}

class StaleConnection extends Error {}

function exchange(
  request: typeof http.request,
  agent: http.Agent,
  url: URL,
  { method, headers, body }: Question,
  signal: AbortSignal,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const bytes = Buffer.from(body ?? '');
    const length = body === undefined ? {} : { 'content-length': bytes.byteLength };
    const sending = request(
      url,
      { method, agent, signal, headers: { ...headers, ...length } },
      (response) => {
        const chunks: Buffer[] = [];
        let size = 0;
        response.on('data', (chunk: Buffer) => {
          size += chunk.byteLength;
          if (size > ANSWER_BYTES_MAX)
            response.destroy(new Error(`answers more than ${ANSWER_BYTES_MAX} bytes`));
          else chunks.push(chunk);
        });
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
        );
      },
    );
    sending.once('error', (error: NodeJS.ErrnoException) => {
      reject(sending.reusedSocket && error.code === 'ECONNRESET' ? new StaleConnection() : error);
    });
    sending.end(bytes);
  });
}
