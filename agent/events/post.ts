// One request to the events endpoint, on kept-alive connections. Says what became of it; whether and when to try again
// is not decided here. Not fetch(): it costs twice as much, and a busy agent sends hundreds of these a second.

import http from 'node:http';
import https from 'node:https';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';

const REQUEST_TIMEOUT_MS = 10_000;
/** Requests at a time to one endpoint: with 50 ms there and back, some 600 batches a second. */
export const REQUESTS_MAX = 32;
/** Answers that say the request itself is wrong. Others, such as 403 or 404, may be a proxy's and pass. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

export type PostOutcome =
  | { readonly kind: 'sent' }
  /** The same bytes will never be taken. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** May go well later. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Never rejects. */
export type Post = (url: string, body: string) => Promise<PostOutcome>;

export interface Poster {
  readonly post: Post;
  /** Breaks off what is in flight. */
  close(): void;
}

export function createPoster(clock: Clock): Poster {
  const options = { keepAlive: true, maxSockets: REQUESTS_MAX, maxFreeSockets: REQUESTS_MAX };
  const agents = { 'http:': new http.Agent(options), 'https:': new https.Agent(options) };
  return {
    post: async (url, body) => {
      const target = URL.parse(url);
      const bytes = Buffer.from(body);
      if (target?.protocol === 'http:') return send(http.request, agents['http:'], target, bytes, clock);
      if (target?.protocol === 'https:') return send(https.request, agents['https:'], target, bytes, clock);
      return { kind: 'refused', reason: 'not an http(s) URL' };
    },
    close: () => {
      for (const agent of Object.values(agents)) agent.destroy();
    },
  };
}

function send(
  request: typeof http.request,
  agent: http.Agent,
  url: URL,
  bytes: Buffer,
  clock: Clock,
  again = false,
): Promise<PostOutcome> {
  return new Promise((resolve) => {
    const headers = { 'content-type': 'application/json', 'content-length': bytes.byteLength };
    const sending = request(url, { method: 'POST', agent, headers }, (response) => {
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
        resolve(send(request, agent, url, bytes, clock, true));
      else resolve({ kind: 'failed', reason: messageOf(error) });
    });
    sending.end(bytes);
  });
}

function outcomeOf(status: number): PostOutcome {
  if (status >= 200 && status < 300) return { kind: 'sent' };
  return { kind: REFUSALS.has(status) ? 'refused' : 'failed', reason: `status ${status}` };
}
