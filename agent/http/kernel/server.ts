// A small HTTP kernel on node:http: calls the route, reads the body within limits, answers errors, counts. A general
// framework was measured to cost more than the decision itself. Knows nothing of datafiles.

import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { errorFields } from '../../../core/errors.ts';
import { hasBrokenEscape } from '../../../core/http/request-target.ts';
import type { Log } from '../../../core/log.ts';
import type { FrontDoor } from '../door/front-door.ts';
import { createListener, type ListenerSettings } from '../door/tls.ts';
import { noRoute, type Unrouted } from '../door/unrouted.ts';
import type { AnswerBudget } from './answer-budget.ts';
import { BodyBudget } from './body-budget.ts';
import type { BodyLimits, BodyRequest, NoBody } from './body-request.ts';
import { announcesNoBody, isJson } from './content-type.ts';
import { Exchange, type HeaderList } from './exchange.ts';
import { Refused } from './refused.ts';
import type { OnAnswered, Route, RouteCounter, RouteCounters } from './route.ts';
import { Router } from './router.ts';
import { Turns } from './turns.ts';

const NO_HEADERS: HeaderList = [];
/** How long requests in flight may take at shutdown. */
const DRAIN_TIMEOUT_MS = 10_000;
const DRAIN_SWEEP_MS = 20;
/** A request with a larger body takes its turn after the others: reading it alone may take longer than all of theirs. */
const LARGE_BODY_BYTES_MIN = 4 * 1024;

export interface ServeOptions {
  readonly log: Log;
  readonly metrics: RouteCounters;
  readonly monotonicMs: () => number;
  readonly listener: ListenerSettings;
  readonly door?: FrontDoor;
  readonly unrouted?: Unrouted;
  /** Null where nothing is to be told, which then costs nothing. */
  readonly onAnswered?: OnAnswered | null;
  /** For requests that bring no id of their own; left out, their answers have none. */
  readonly newRequestId?: () => string;
  /** Shared with routes that take long; left out, those of this server. */
  readonly turns?: Turns;
  /** Left out, answers are not counted. */
  readonly answers?: AnswerBudget;
}

interface MountedRoute extends Route {
  readonly stats: RouteCounter;
}

export class RouteServer {
  readonly #options: ServeOptions;
  readonly #onAnswered: OnAnswered | null;
  readonly #router: Router<MountedRoute>;
  readonly #unrouted: Unrouted;
  readonly #unroutedStats: RouteCounter;
  readonly #bodyLimits: BodyLimits;
  readonly #turns: Turns;
  readonly #answers: AnswerBudget | null;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(routes: readonly Route[], options: ServeOptions) {
    this.#options = options;
    this.#onAnswered = options.onAnswered ?? null;
    this.#turns = options.turns ?? new Turns(options.monotonicMs);
    this.#answers = options.answers ?? null;
    this.#unrouted = options.unrouted ?? noRoute;
    this.#unroutedStats = options.metrics.route('none');
    this.#router = new Router(
      routes.map((route) => ({ ...route, stats: options.metrics.route(`${route.method} ${route.path}`) })),
    );
    const { door, listener } = options;
    const bytesMax = listener.bodyBytesMax;
    this.#bodyLimits = { bytesMax, budget: new BodyBudget(bytesMax) };
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
    const route = this.#router.find(request.method as string, path);
    const stats = route?.stats ?? this.#unroutedStats;
    const search = mark < 0 ? '' : url.slice(mark + 1);
    const onAnswered = (status: number) => {
      request.release();
      const durationMs = this.#options.monotonicMs() - startedMs;
      stats.record(status, durationMs / 1000);
      if (exchange.isTimed) route?.timer?.record(durationMs);
      if (this.#onAnswered !== null) this.#onAnswered(exchange, route?.path ?? null, status, durationMs);
    };
    const { newRequestId } = this.#options;
    const exchange = new Exchange(request, response, search, onAnswered, newRequestId, ready, this.#answers);
    if (route !== undefined) this.#dispatch(route, request, exchange);
    // About the server as a whole (RFC 9110, 9.3.7).
    else if (path === '*' && request.method === 'OPTIONS') exchange.empty(200);
    else if (hasBrokenEscape(path)) exchange.text(400, '400 Bad Request');
    else this.#call(path, exchange, (it) => this.#unrouted(it, path, this.#router.methodsAt(path)));
  }

  #dispatch(route: MountedRoute, request: BodyRequest, exchange: Exchange): void {
    const call = () => this.#call(route.path, exchange, route.handle);
    if (route.method === 'GET') this.#turns.add(call);
    else if (isJson(exchange.header('content-type')) || route.anyContentType || announcesNoBody(exchange)) {
      request.readBody(this.#bodyLimits, (body) => {
        if (typeof body === 'string') return refuseBody(exchange, body, this.#bodyLimits.bytesMax);
        exchange.body = body;
        if (body.byteLength < LARGE_BODY_BYTES_MIN) this.#turns.add(call);
        else if (!this.#turns.addLarge(call)) exchange.refused(new Refused(503, TOO_MANY_LARGE));
      });
    } else exchange.empty(415);
  }

  #call(path: string, exchange: Exchange, handle: Route['handle']): void {
    try {
      const answer = handle(exchange);
      if (answer !== undefined) answer.catch((error) => this.#failed(path, exchange, error));
    } catch (error) {
      this.#failed(path, exchange, error);
    }
  }

  #failed(path: string, exchange: Exchange, error: unknown): void {
    if (error instanceof Refused && !exchange.answered) {
      exchange.refused(error);
      return;
    }
    this.#options.log.error('request.failed', { route: path, ...errorFields(error) });
    if (!exchange.answered) exchange.error(500, 'internal error');
  }
}

const TOO_MANY_LARGE = 'too many requests with large bodies wait; send this one again in a second';

/** What is still coming is not read: closing is the only way to make the client stop. */
function refuseBody(exchange: Exchange, why: NoBody, bytesMax: number): void {
  exchange.headers.Connection = 'close';
  if (why === 'no-room') {
    exchange.headers['Retry-After'] = 1;
    exchange.error(503, 'too many large request bodies at a time; send this one again in a second');
  } else
    exchange.error(
      413,
      `request body is larger than ${bytesMax} bytes; FANOUT_BODY_SIZE_MAX raises this limit`,
    );
}
