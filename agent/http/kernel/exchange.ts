// One request and its answer, as routes see them. Thin on purpose: every decision an agent makes passes through here.

import type { IncomingMessage, OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { DatafileMeta } from '../../datafiles/sources/source.ts';
import { clientNetwork } from '../door/networks.ts';
import { type AnswerBudget, COUNTED_BYTES_MIN } from './answer-budget.ts';
import type { Refused } from './refused.ts';
import { requestIdOf } from './request-id.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const TEXT_TYPE = 'text/plain; charset=utf-8';
/** All that means something in a query, but for the first `=`. */
const NEEDS_DECODING = /[&%+]/;
const NO_BODY = Buffer.alloc(0);

/** Headers as a flat list of names and values, which Node writes without another copy. */
export type HeaderList = readonly OutgoingHttpHeader[];
const NO_HEADERS: HeaderList = [];
/** Browsers must not take the text of an error, of which a part may be the client's own, for a page. */
const NO_SNIFFING: HeaderList = ['X-Content-Type-Options', 'nosniff'];

/** Null where answers are not counted. */
export type AnswerRoom = Pick<AnswerBudget, 'take' | 'give'>;

export class Exchange {
  readonly request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #search: string;
  readonly #onAnswered: (status: number) => void;
  /** What the port says in every answer to this client. */
  readonly #ofPort: HeaderList;
  /** The client's own id, else a new one; empty where there is neither. Every answer carries it. */
  readonly requestId: string;
  /** Set by the server before a route with a body is called. */
  body: Buffer = NO_BODY;
  /** Headers known before the request came: written as they are, in every answer. */
  ready: HeaderList = NO_HEADERS;
  /** What the answer is made from, where it is made from a datafile. */
  datafile: DatafileMeta | null = null;
  /** False where the route was not reached: the original times no request whose SDK key it does not know. */
  isTimed = true;
  #headers: OutgoingHttpHeaders | null = null;
  readonly #budget: AnswerRoom | null;
  /** Taken from the budget. */
  #heldBytes = 0;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    search: string,
    onAnswered: (status: number) => void,
    newRequestId?: () => string,
    ofPort: HeaderList = NO_HEADERS,
    budget: AnswerRoom | null = null,
  ) {
    this.#budget = budget;
    this.#onAnswered = onAnswered;
    this.#ofPort = ofPort;
    this.request = request;
    this.#response = response;
    this.#search = search;
    this.requestId = requestIdOf(request, newRequestId);
  }

  /** Headers that every answer of this exchange carries. */
  get headers(): OutgoingHttpHeaders {
    this.#headers ??= {};
    return this.#headers;
  }

  /** The answer depends on this request header, beside those on which every answer of the port does. */
  varyBy(name: string): void {
    const at = this.#ofPort.indexOf('Vary');
    this.headers.Vary = at < 0 ? name : `${this.#ofPort[at + 1]}, ${name}`;
  }

  get answered(): boolean {
    return this.#response.headersSent;
  }

  /** As it was asked for, without the query. */
  get path(): string {
    const url = this.request.url ?? '';
    const mark = url.indexOf('?');
    return mark < 0 ? url : url.slice(0, mark);
  }

  /** The network of the client, as far as the connection tells; empty for an operation of a batch. */
  get client(): string {
    return clientNetwork(this.request.socket?.remoteAddress ?? '');
  }

  /** A request header by its lower-case name; empty when absent. */
  header(name: string): string {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : '';
  }

  /** All values of a query parameter, in order. */
  query(name: string): string[] {
    const search = this.#search;
    if (search === '') return [];
    // The usual question has one parameter and nothing to decode.
    if (search.startsWith(`${name}=`) && !NEEDS_DECODING.test(search)) return [search.slice(name.length + 1)];
    return new URLSearchParams(search).getAll(name);
  }

  /** The client has left: what is made for it is made for nothing. */
  get isGone(): boolean {
    // That of an operation of a batch has no connection of its own.
    return this.request.socket?.destroyed === true;
  }

  /**
   * Makes sure that there is room for an answer, while it is made or before. Given back when the client has taken it.
   * @param bytes of the answer so far, at least
   * @throws Refused
   */
  hold(bytes: number): void {
    if (this.#budget === null || bytes < COUNTED_BYTES_MIN || bytes <= this.#heldBytes) return;
    this.#budget.take(bytes, this.#heldBytes);
    if (this.#heldBytes === 0) this.#response.once('close', () => this.#letGo());
    this.#heldBytes = bytes;
    if (this.isGone) this.#letGo();
  }

  /** Taken of the room for answers. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  #letGo(): void {
    this.#budget?.give(this.#heldBytes);
    this.#heldBytes = 0;
  }

  /** The request meets a limit. */
  refused({ status, message }: Refused): void {
    if (status === 503) this.headers['Retry-After'] = 1;
    this.error(status, message);
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
  jsonReady(status: number, body: Uint8Array | string): void {
    this.bytes(status, JSON_TYPE, body);
  }

  /** Bytes that are kept in any case, and so cost nothing while a client takes them. */
  shared(status: number, body: Uint8Array): void {
    this.#send(status, JSON_TYPE, body, body.byteLength);
  }

  /** @throws Refused where the answer is too large, or too many large ones are under way */
  bytes(status: number, contentType: string, body: Uint8Array | string): void {
    // Characters are not more than bytes; a long text is not even counted where there is no room for it.
    this.hold(body.length);
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.byteLength;
    this.hold(length);
    this.#send(status, contentType, body, length);
  }

  #send(status: number, contentType: string, body: Uint8Array | string, length: number): void {
    this.#writeHead(status, ['Content-Type', contentType, 'Content-Length', length]);
    // As many bytes as characters: all of it ASCII, as nearly every answer, so that it need not be encoded.
    if (typeof body === 'string' && length === body.length) this.#response.end(body, 'latin1');
    else this.#response.end(body);
    this.#onAnswered(status);
  }

  /** Begins an answer that has no end yet; the caller writes to it and ends it. */
  stream(status: number, contentType: string): ServerResponse {
    this.#writeHead(status, ['Content-Type', contentType]);
    this.#response.flushHeaders();
    this.#onAnswered(status);
    return this.#response;
  }

  empty(status: number): void {
    this.#writeHead(status, status === 304 ? NO_HEADERS : ['Content-Length', 0]);
    this.#response.end();
    this.#onAnswered(status);
  }

  #writeHead(status: number, own: HeaderList): void {
    const list = [...this.#headersOfPort(), ...this.ready, ...own];
    if (this.requestId !== '') list.push('X-Request-Id', this.requestId);
    if (status >= 400) list.push(...NO_SNIFFING);
    if (this.#headers !== null)
      for (const [name, value] of Object.entries(this.#headers))
        if (value !== undefined) list.push(name, value);
    this.#response.writeHead(status, list);
  }

  /** Without those that the route says itself: twice, some of them mean nothing to a browser. */
  #headersOfPort(): HeaderList {
    const own = this.#headers;
    if (own === null) return this.#ofPort;
    return this.#ofPort.filter((_, i, all) => !Object.hasOwn(own, String(all[i - (i % 2)])));
  }
}
