// What a route is to the kernel, and what the kernel tells of requests. Only shapes.

import type { Exchange } from './exchange.ts';

export interface Route {
  readonly method: 'GET' | 'POST';
  /** One ending in `/*` stands for everything below it that has no route of its own. */
  readonly path: string;
  /** In lower case: the route is at every path that ends so, in any case, before a folder's. `path` is its name then. */
  readonly ending?: string;
  /** Takes bodies that are not said to be JSON too. */
  readonly anyContentType?: boolean;
  /** Answers also where tokens are asked for. */
  readonly isOpen?: boolean;
  /** One of the original agent's. */
  readonly timer?: RouteTimer;
  /** HEAD is refused, although the method is GET. */
  readonly refusesHead?: boolean;
  /** A promise only where the answer has to wait; the usual ones are answered within the call. */
  readonly handle: (exchange: Exchange) => void | Promise<void>;
}

export interface RouteTimer {
  record(durationMs: number): void;
}

/** Counts the requests of one route. */
export interface RouteCounter {
  record(status: number, durationS: number): void;
}

export interface RouteCounters {
  /** The same one for the same name. */
  route(name: string): RouteCounter;
}

/** Told of a request when its answer has been handed over. @param route its path; null where there is none */
export type OnAnswered = (
  exchange: Exchange,
  route: string | null,
  status: number,
  durationMs: number,
) => void;
