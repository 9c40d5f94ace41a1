// A stand-in as far away as the real service: each request waits before it is answered, and is told of in one line, from which a
// bench draws the path of a change. Knows nothing of what is served.

import { type Clock, sleep } from '../../../core/clock.ts';
import { type HttpHandler, pathOf } from './http.ts';

/** How long a request takes on its way, there and back. */
export interface Distance {
  /** Of GET and HEAD. */
  readonly readMs: number;
  /** Of every other method. */
  readonly writeMs: number;
}

/** One answered request; times are milliseconds since the epoch. */
export interface RequestLine {
  readonly request: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export function atDistance(
  handler: HttpHandler,
  { readMs, writeMs }: Distance,
  clock: Clock,
  tell: (line: RequestLine) => void,
): HttpHandler {
  return async (request, response) => {
    const fromMs = clock.nowMs();
    const { method = '' } = request;
    await sleep(clock, method === 'GET' || method === 'HEAD' ? readMs : writeMs);
    response.once('finish', () =>
      tell({ request: `${method} ${pathOf(request)}`, fromMs, toMs: clock.nowMs() }),
    );
    await handler(request, response);
  };
}

/** What `tell` has written to the standard output of a process; null for any other line. */
export function parseRequestLine(line: string): RequestLine | null {
  if (!line.startsWith('{"request":')) return null;
  return JSON.parse(line) as RequestLine;
}
