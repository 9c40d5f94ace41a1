// One operation of a batch as a request to a route of this process: no socket, and an answer that is kept instead of sent.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { hasBrokenEscape, originForm } from '../../../core/http/request-target.ts';
import { noRoute, type Unrouted } from '../door/unrouted.ts';
import { isJson } from '../kernel/content-type.ts';
import { type AnswerRoom, Exchange, type HeaderList } from '../kernel/exchange.ts';
import { Refused } from '../kernel/refused.ts';
import type { Route } from '../kernel/route.ts';
import { Router } from '../kernel/router.ts';
import type { BatchOperation } from '../openapi/schema-routes.ts';

/** What became of an operation. */
export interface Replayed {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | null;
  /** Taken of the room for it. */
  readonly heldBytes: number;
}

/** Told of an operation that failed, by its path. */
export type OnFailed = (path: string, error: unknown) => void;

export interface ReplayOptions {
  readonly routes: readonly Route[];
  readonly unrouted?: Unrouted;
  readonly onFailed: OnFailed;
  readonly monotonicMs: () => number;
  /** For operations that bring no id of their own; left out, their answers have none. */
  readonly newRequestId?: () => string;
}

/** Never rejects: what fails is answered, as it would be outside of a batch. @param room for its answer */
export type Replay = (operation: BatchOperation, room?: AnswerRoom) => Promise<Replayed>;

/** What a method may be written with (RFC 9110, 5.6.2). */
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]*$/;

/** Of any other it is told before the SDK key is looked at, as by the original; their case counts. */
const METHODS: ReadonlySet<string> = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'TRACE',
]);

export function replayer(options: ReplayOptions): Replay {
  const router = new Router(options.routes);
  const { unrouted = noRoute, onFailed, monotonicMs, newRequestId = () => '' } = options;
  return async (operation, room) => {
    const target = targetOf(operation);
    if (target === null || !TOKEN.test(operation.method)) return bare(400);
    const { path, search } = target;
    const method = operation.method === '' ? 'GET' : operation.method;
    if (!METHODS.has(method)) return bare(405);
    const headers = headersOf(operation);
    const route = router.find(method, path);
    const isTyped = method !== 'POST' || isJson(headers['content-type']);
    if (route !== undefined && !isTyped && !route.anyContentType) return bare(415);
    const tell: Route['handle'] = (exchange) => unrouted(exchange, path, router.methodsAt(path));
    const startedMs = monotonicMs();
    const onAnswered = (isTimed: boolean) => {
      if (isTimed) route?.timer?.record(monotonicMs() - startedMs);
    };
    try {
      const request = { method, path, headers, search, body: operation.body, newRequestId, onAnswered, room };
      return await call({ ...request, handle: route?.handle ?? tell });
    } catch (error) {
      onFailed(path, error);
      return bare(500);
    }
  };
}

/** Null where the URL is none. Its host is passed over: operations are this agent's. */
function targetOf({ url, params }: BatchOperation): { path: string; search: string } | null {
  const { host, path: target } = originForm(url.split('#', 1)[0] as string);
  if (host === '') return null;
  const mark = target.indexOf('?');
  const path = (mark < 0 ? target : target.slice(0, mark)) || '/';
  if (hasBrokenEscape(path)) return null;
  const query = mark < 0 ? '' : target.slice(mark + 1);
  const added = Object.entries(params);
  if (added.length === 0) return { path, search: query };
  const search = new URLSearchParams(query);
  for (const [name, value] of added) search.append(name, value);
  return { path, search: search.toString() };
}

/** By lower-case name, as Node has them. Answers become part of one JSON document, which cannot hold compressed ones. */
function headersOf({ headers }: BatchOperation): Record<string, string> {
  const lower: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] ??= value;
  delete lower['accept-encoding'];
  return lower;
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly search: string;
  readonly body: unknown;
  readonly newRequestId: () => string;
  readonly handle: Route['handle'];
  readonly onAnswered: (isTimed: boolean) => void;
  readonly room: AnswerRoom | undefined;
}

async function call({
  method,
  path,
  headers,
  search,
  body,
  newRequestId,
  handle,
  onAnswered,
  room,
}: Request): Promise<Replayed> {
  const response = new KeptResponse();
  const request = { method, headers, url: path, resume() {}, on() {}, off() {}, once() {} };
  const exchange = new Exchange(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    search,
    () => onAnswered(exchange.isTimed),
    newRequestId,
    [],
    room,
  );
  exchange.body = Buffer.from(JSON.stringify(body));
  try {
    await handle(exchange);
  } catch (error) {
    if (!(error instanceof Refused) || exchange.answered) throw error;
    exchange.refused(error);
  }
  response.heldBytes = exchange.heldBytes;
  return response.isEnded ? response : bare(500);
}

const bare = (status: number): Replayed => ({ status, headers: {}, body: null, heldBytes: 0 });

/** As much of Node's response as an exchange uses. */
class KeptResponse implements Replayed {
  headersSent = false;
  isEnded = false;
  status = 200;
  readonly headers: OutgoingHttpHeaders = {};
  body: Buffer | null = null;
  heldBytes = 0;

  writeHead(status: number, list: HeaderList): this {
    this.headersSent = true;
    this.status = status;
    for (let i = 0; i < list.length; i += 2) this.headers[String(list[i])] = list[i + 1];
    return this;
  }

  /** For a stream, which has no end that a batch could wait for: its client is gone from the beginning. */
  readonly destroyed = true;
  flushHeaders(): void {}
  on(): void {}
  /** What an operation holds is its batch's. */
  once(): void {}

  end(body?: Uint8Array | string): void {
    this.isEnded = true;
    this.body = body === undefined ? null : Buffer.from(body as Uint8Array);
  }
}
