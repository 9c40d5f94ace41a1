// One request and its answer, as routes see them. Thin on purpose: every decision an agent makes passes through here.

import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';

const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';
const REQUEST_ID_LENGTH_MAX = 200;
const NO_BODY = Buffer.alloc(0);

export class Exchange {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #search: string;
  readonly #onAnswered: (status: number) => void;
  /** Set by the server before a route with a body is called. */
  body: Buffer = NO_BODY;
  /** Headers that every answer of this exchange carries. */
  readonly headers: OutgoingHttpHeaders = {};

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    search: string,
    onAnswered: (status: number) => void,
  ) {
    this.#onAnswered = onAnswered;
    this.request = request;
    this.#response = response;
    this.#search = search;
    const requestId = request.headers['x-request-id'];
    if (typeof requestId === 'string')
      this.headers['X-Request-Id'] = requestId.slice(0, REQUEST_ID_LENGTH_MAX);
  }

  get answered(): boolean {
    return this.#response.headersSent;
  }

  /** A request header by its lower-case name; empty when absent. */
  header(name: string): string {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : '';
  }

  /** All values of a query parameter, in order. */
  query(name: string): string[] {
    return this.#search === '' ? [] : new URLSearchParams(this.#search).getAll(name);
  }

  json(status: number, value: unknown): void {
    this.bytes(status, JSON_TYPE, JSON.stringify(value));
  }

  /** The error shape of every route. */
  error(status: number, message: string): void {
    this.json(status, { error: message });
  }

  text(status: number, text: string, contentType: string = TEXT_TYPE): void {
    this.bytes(status, contentType, text);
  }

  /** JSON that is there already. */
  jsonBytes(status: number, body: Uint8Array): void {
    this.bytes(status, JSON_TYPE, body);
  }

  bytes(status: number, contentType: string, body: Uint8Array | string): void {
    this.headers['Content-Type'] = contentType;
    this.headers['Content-Length'] = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    this.#response.writeHead(status, this.headers);
    this.#response.end(body);
    this.#onAnswered(status);
  }

  /** Begins an answer that has no end yet; the caller writes to it and ends it. */
  stream(status: number, contentType: string): ServerResponse {
    this.headers['Content-Type'] = contentType;
    this.#response.writeHead(status, this.headers);
    this.#response.flushHeaders();
    this.#onAnswered(status);
    return this.#response;
  }

  empty(status: number): void {
    if (status !== 304) this.headers['Content-Length'] = 0;
    this.#response.writeHead(status, this.headers);
    this.#response.end();
    this.#onAnswered(status);
  }
}
