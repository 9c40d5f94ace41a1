// One operation of a batch as a request to a route of this process: no socket, and an answer that is kept instead of sent.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { isJson } from './content-type.ts';
import { Exchange, type HeaderList } from './exchange.ts';
import type { BatchOperation } from './schema-routes.ts';
import type { Route } from './server.ts';

/** What became of an operation. */
export interface Replayed {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer | null;
}

export interface ReplayDeps {
  /** Told of a route that failed. */
  readonly onFailed: (route: Route, error: unknown) => void;
  readonly monotonicMs: () => number;
}

const BASE = 'http://batch.invalid';

/**
 * Never rejects: what fails is answered, as it would be outside of a batch.
 * @param requestId the batch's, for an operation that has none of its own
 */
export async function replay(
  routes: readonly Route[],
  operation: BatchOperation,
  requestId: string,
  { onFailed, monotonicMs }: ReplayDeps,
): Promise<Replayed> {
  const url = URL.parse(operation.url, BASE);
  if (url === null) return bare(400);
  for (const [name, value] of Object.entries(operation.params)) url.searchParams.append(name, value);
  const here = routes.filter(({ path }) => leadsTo(path, url.pathname));
  if (here.length === 0) return bare(404);
  const method = operation.method === '' ? 'GET' : operation.method;
  const route = here.find((candidate) => candidate.method === method);
  if (route === undefined) return bare(405);
  const headers = headersOf(operation);
  if (method === 'POST' && !route.anyContentType && !isJson(headers['content-type'])) return bare(415);
  const { body } = operation;
  try {
    const request = { method, headers, search: url.search.slice(1), body, requestId };
    return await call(route, request, monotonicMs);
  } catch (error) {
    onFailed(route, error);
    return bare(500);
  }
}

function leadsTo(path: string, pathname: string): boolean {
  if (!path.endsWith('/*')) return path === pathname;
  return pathname.length > path.length - 1 && pathname.startsWith(path.slice(0, -1));
}

/** By lower-case name, as Node has them. */
function headersOf({ headers }: BatchOperation): Record<string, string> {
  const lower: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] ??= value;
  return lower;
}

interface Request {
  readonly method: string;
  readonly headers: Record<string, string>;
  readonly search: string;
  readonly body: unknown;
  readonly requestId: string;
}

async function call(
  route: Route,
  { method, headers, search, body, requestId }: Request,
  monotonicMs: () => number,
): Promise<Replayed> {
  const startedMs = monotonicMs();
  const response = new KeptResponse();
  const request = { method, headers, url: route.path, resume() {}, on() {}, off() {}, once() {} };
  const exchange = new Exchange(
    request as unknown as IncomingMessage,
    response as unknown as ServerResponse,
    search,
    () => {
      if (exchange.isTimed) route.timer?.record(monotonicMs() - startedMs);
    },
    () => requestId,
  );
  exchange.body = Buffer.from(JSON.stringify(body));
  await route.handle(exchange);
  return response.isEnded ? response : bare(500);
}

const bare = (status: number): Replayed => ({ status, headers: {}, body: null });

/** As much of Node's response as an exchange uses. */
class KeptResponse implements Replayed {
  headersSent = false;
  isEnded = false;
  status = 200;
  readonly headers: OutgoingHttpHeaders = {};
  body: Buffer | null = null;

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

  end(body?: Uint8Array | string): void {
    this.isEnded = true;
    this.body = body === undefined ? null : Buffer.from(body as Uint8Array);
  }
}
