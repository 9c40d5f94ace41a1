// One request to the events endpoint, on kept-alive connections. Reports its outcome; the caller decides whether and when
// to try again. Not fetch(): it costs twice as much, and a busy agent sends hundreds of these a second.

import http from 'node:http';
import https from 'node:https';
import { urlToHttpOptions } from 'node:url';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { Agents } from '../../io/http/agents.ts';

const REQUEST_TIMEOUT_MS = 10_000;
/** Requests at a time to one endpoint: with 50 ms there and back, some 600 batches a second. */
export const REQUESTS_MAX = 32;
/** Answers that say the request itself is wrong. Others, such as 403 or 404, may be a proxy's and pass. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

export type PostOutcome =
  | { readonly kind: 'sent' }
  /** The same bytes will never be taken. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** A later try may succeed. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Never rejects. */
export type Post = (url: string, body: string) => Promise<PostOutcome>;

export interface Poster {
  readonly post: Post;
  /** Aborts the requests in flight. */
  close(): void;
}

export function createPoster(clock: Clock): Poster {
  const agents = new Agents({ keepAlive: true, maxSockets: REQUESTS_MAX, maxFreeSockets: REQUESTS_MAX });
  // There are one or two; taking a URL apart for each request would cost as much as making the batch.
  const endpoints = new Map<string, Endpoint | null>();
  return {
    post: async (url, body) => {
      let endpoint = endpoints.get(url);
      if (endpoint === undefined) {
        endpoint = endpointOf(url, agents);
        endpoints.set(url, endpoint);
      }
      if (endpoint === null) return { kind: 'refused', reason: 'not an http(s) URL' };
      return send(endpoint, body, clock);
    },
    close: () => {
      agents.destroy();
    },
  };
}

interface Endpoint {
  readonly request: typeof http.request;
  readonly options: http.RequestOptions;
}

function endpointOf(url: string, agents: Agents): Endpoint | null {
  const target = URL.parse(url);
  if (target?.protocol !== 'http:' && target?.protocol !== 'https:') return null;
  const options = { ...urlToHttpOptions(target), method: 'POST', agent: agents.of(target) };
  return { request: target.protocol === 'http:' ? http.request : https.request, options };
}

function send(
  { request, options }: Endpoint,
  body: string,
  clock: Clock,
  again = false,
): Promise<PostOutcome> {
  return new Promise((resolve) => {
    const bytes = Buffer.byteLength(body);
    const headers = { 'content-type': 'application/json', 'content-length': bytes };
    const sending = request({ ...options, headers }, (response) => {
      response.on('error', () => {}); // The status was all that mattered.
      response.resume();
      const settle = () => {
        timeout.cancel();
        resolve(outcomeOf(response.statusCode ?? 0));
      };
      // Settled only when the connection is free again, or every next request would open another.
      response.once('close', settle);
    });
    const timeout = clock.after(REQUEST_TIMEOUT_MS, () =>
      sending.destroy(new Error(`no answer within ${REQUEST_TIMEOUT_MS} ms`)),
    );
    sending.once('error', (error: NodeJS.ErrnoException) => {
      timeout.cancel();
      // An idle connection that the other side was just closing says nothing of the endpoint.
      if (sending.reusedSocket && error.code === 'ECONNRESET' && !again)
        resolve(send({ request, options }, body, clock, true));
      else resolve({ kind: 'failed', reason: messageOf(error) });
    });
    // As text it goes out in one write with the headers; ASCII, as nearly always, need not be encoded.
    sending.end(body, bytes === body.length ? 'latin1' : 'utf8');
  });
}

function outcomeOf(status: number): PostOutcome {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  return { kind: REFUSALS.has(status) ? 'refused' : 'failed', reason: `status ${status}` };
}
