// A small HTTP kernel on node:http: finds the route, reads the body within limits, answers errors, counts. A general
// framework was measured to cost more than the decision itself. Knows nothing of datafiles.

import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorFields } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Metrics, RouteStats } from '../metrics.ts';
import type { Timer } from '../timers.ts';
import type { BodyRequest } from './body-request.ts';
import { isJson } from './content-type.ts';
import { Exchange, type HeaderList } from './exchange.ts';
import type { FrontDoor } from './front-door.ts';
import { createListener, type ListenerSettings } from './tls.ts';
import { Turns } from './turns.ts';

/** How long requests in flight may take at shutdown. */
const DRAIN_TIMEOUT_MS = 10_000;
const DRAIN_SWEEP_MS = 20;
const NO_HEADERS: HeaderList = [];

export interface Route {
  readonly method: 'GET' | 'POST';
  /** One ending in `/*` stands for everything below it that has no route of its own. */
  readonly path: string;
  /** Takes bodies that are not said to be JSON too. */
  readonly anyContentType?: true;
  /** The original's; see timed(). */
  readonly timer?: Timer;
  /** A promise only where the answer has to wait; the usual ones are answered within the call. */
  readonly handle: (exchange: Exchange) => void | Promise<void>;
}

/** Told of a request when its answer has been handed over. @param route its path; null where there is none */
export type OnAnswered = (
  exchange: Exchange,
  route: string | null,
  status: number,
  durationMs: number,
) => void;

export interface ServeOptions {
  readonly log: Log;
  readonly metrics: Metrics;
  readonly monotonicMs: () => number;
  readonly listener: ListenerSettings;
  readonly door?: FrontDoor;
  /** Null where nobody wants to know, which then costs nothing. */
  readonly onAnswered?: OnAnswered | null;
  /** For requests that bring no id of their own; left out, their answers have none. */
  readonly newRequestId?: () => string;
}

interface MountedRoute extends Route {
  readonly stats: RouteStats;
}

export class HttpServer {
  readonly #options: ServeOptions;
  readonly #onAnswered: OnAnswered | null;
  readonly #routes = new Map<string, Map<string, MountedRoute>>();
  /** The paths that stand for all below them, without their `*`. */
  readonly #folders: string[] = [];
  readonly #unrouted: RouteStats;
  readonly #bodyBytesMax: number;
  readonly #turns = new Turns();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(routes: readonly Route[], options: ServeOptions) {
    this.#options = options;
    this.#onAnswered = options.onAnswered ?? null;
    this.#unrouted = options.metrics.route('none');
    for (const route of routes) {
      const methods = this.#routes.get(route.path) ?? new Map<string, MountedRoute>();
      methods.set(route.method, { ...route, stats: options.metrics.route(`${route.method} ${route.path}`) });
      this.#routes.set(route.path, methods);
      if (route.path.endsWith('/*')) this.#folders.push(route.path.slice(0, -1));
    }
    const { door, listener } = options;
    this.#bodyBytesMax = listener.bodyBytesMax;
    this.#server = createListener(listener, (request, response) => {
      const ready = door === undefined ? NO_HEADERS : door.admit(request, response);
      if (ready !== null) this.#onRequest(request, response, ready);
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  /** Resolves with the port it listens on. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve((this.#server.address() as AddressInfo).port);
      });
    });
  }

  /** Stops accepting and waits, within a limit, for the requests in flight. */
  close(): Promise<void> {
    return new Promise((resolve) => {
      const cutOff = setTimeout(() => this.#server.closeAllConnections(), DRAIN_TIMEOUT_MS);
      // Kept alive by their clients, connections would outlast the last answer.
      const sweep = setInterval(() => {
        this.#server.closeIdleConnections();
        // Opened in advance and never used, which Node does not count as idle.
        for (const socket of this.#sockets) if (socket.bytesRead === 0) socket.destroy();
      }, DRAIN_SWEEP_MS);
      this.#server.close(() => {
        clearTimeout(cutOff);
        clearInterval(sweep);
        resolve();
      });
    });
  }

  #onRequest(request: BodyRequest, response: ServerResponse, ready: HeaderList): void {
    const startedMs = this.#options.monotonicMs();
    const url = request.url as string;
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const methods = this.#routes.get(path) ?? this.#below(path);
    const route = methods?.get(request.method as string);
    const stats = route?.stats ?? this.#unrouted;
    const search = mark < 0 ? '' : url.slice(mark + 1);
    const onAnswered = (status: number) => {
      const durationMs = this.#options.monotonicMs() - startedMs;
      stats.record(status, durationMs / 1000);
      if (exchange.isTimed) route?.timer?.record(durationMs);
      if (this.#onAnswered !== null) this.#onAnswered(exchange, route?.path ?? null, status, durationMs);
    };
    const exchange = new Exchange(request, response, search, onAnswered, this.#options.newRequestId, ready);
    if (route !== undefined) this.#dispatch(route, request, exchange);
    else if (methods === undefined) exchange.text(404, '404 page not found\n');
    else {
      exchange.headers.Allow = [...methods.keys()].join(', ');
      exchange.empty(405);
    }
  }

  #below(path: string): Map<string, MountedRoute> | undefined {
    const folder = this.#folders.find((prefix) => path.startsWith(prefix) && path.length > prefix.length);
    return folder === undefined ? undefined : this.#routes.get(`${folder}*`);
  }

  #dispatch(route: MountedRoute, request: BodyRequest, exchange: Exchange): void {
    if (route.method === 'GET') this.#turns.add(() => this.#call(route, exchange));
    else if (isJson(exchange.header('content-type')) || route.anyContentType || hasNoBody(exchange)) {
      request.readBody(this.#bodyBytesMax, (body) => {
        if (body === null) return tooLarge(exchange, this.#bodyBytesMax);
        exchange.body = body;
        this.#turns.add(() => this.#call(route, exchange));
      });
    } else exchange.empty(415);
  }

  #call(route: MountedRoute, exchange: Exchange): void {
    try {
      const answer = route.handle(exchange);
      if (answer !== undefined) answer.catch((error) => this.#failed(route, exchange, error));
    } catch (error) {
      this.#failed(route, exchange, error);
    }
  }

  #failed(route: MountedRoute, exchange: Exchange, error: unknown): void {
    this.#options.log.error('request.failed', { route: route.path, ...errorFields(error) });
    if (!exchange.answered) exchange.error(500, 'internal error');
  }
}

/** Nothing to be of a wrong type. */
const hasNoBody = (exchange: Exchange): boolean =>
  exchange.header('transfer-encoding') === '' && Number(exchange.header('content-length')) === 0;

/** What is still coming is not read: closing is the only way to make the client stop. */
function tooLarge(exchange: Exchange, bodyBytesMax: number): void {
  exchange.headers.Connection = 'close';
  exchange.error(
    413,
    `request body is larger than ${bodyBytesMax} bytes; FANOUT_BODY_SIZE_MAX raises this limit`,
  );
}
