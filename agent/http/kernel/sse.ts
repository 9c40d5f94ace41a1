// Server-sent events: answers that go on until their client leaves or the agent stops, within limits. A client that does
// not keep up is cut off; it comes again. Knows nothing of what is sent.

import type { ServerResponse } from 'node:http';
import type { Clock, Timer } from '../../../core/clock.ts';
import { errorFields } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { Exchange } from './exchange.ts';

/** Streams open at a time, where the settings do not say. */
export const STREAMS_MAX = 1_000;
/** What may wait for one slow client. */
export const WAITING_BYTES_MAX = 1024 * 1024;
/** What may wait for all of them, in one process. Past it the slowest are cut off. */
export const WAITING_BYTES_TOTAL_MAX = 32 * 1024 * 1024;
/** A sign of life more often than proxies lose patience (usually a minute). */
export const KEEP_ALIVE_MS = 15_000;
const EVENT_STREAM_TYPE = 'text/event-stream';

export interface StreamsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly streamsMax?: number;
}

export interface StreamOptions {
  /** Bare lines of JSON instead of events, as the original's `raw` query gives them. */
  readonly raw?: boolean;
}

export class EventStream {
  readonly #response: ServerResponse;
  readonly #raw: boolean;
  readonly #onWritten: (bytes: number) => void;

  /** @param onWritten told how many bytes were handed over, whether or not they wait */
  constructor(response: ServerResponse, raw: boolean, onWritten: (bytes: number) => void) {
    this.#response = response;
    this.#raw = raw;
    this.#onWritten = onWritten;
  }

  get waitingBytes(): number {
    return this.#response.destroyed ? 0 : this.#response.writableLength;
  }

  /** @param data one line of text @param id what the client sends back when it comes again */
  send(data: string, id?: string): void {
    const tag = id === undefined ? '' : `id: ${id}\n`;
    this.#write(this.#raw ? `${data}\n` : `${tag}data: ${data}\n\n`);
  }

  /** A comment, which clients skip. */
  keepAlive(): void {
    if (!this.#raw) this.#write(':\n\n');
  }

  end(): void {
    this.#response.end();
  }

  /** Its client does not keep up. */
  cut(): void {
    this.#response.destroy();
  }

  #write(text: string): void {
    if (this.#response.destroyed) return;
    this.#response.write(text);
    this.#onWritten(text.length);
  }
}

export class EventStreams {
  readonly #options: StreamsOptions;
  readonly #open = new Set<EventStream>();
  /** Handed over since all that waits was added up last: the sum is made only when this could have gone past the limit. */
  #writtenBytes = 0;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  /** True, with the request answered, when no stream can begin: before anything is done for one. */
  refuses(exchange: Exchange): boolean {
    const { streamsMax = STREAMS_MAX } = this.#options;
    if (!this.#stopped && this.#open.size < streamsMax) return false;
    exchange.headers['Retry-After'] = '5';
    exchange.error(503, this.#stopped ? 'agent is stopping' : `more than ${streamsMax} streams are open`);
    return true;
  }

  /** Begins a stream; null, with the request answered, when there are too many or its client has left. */
  open(exchange: Exchange, { raw = false }: StreamOptions, onClose: () => void): EventStream | null {
    if (this.refuses(exchange)) return null;
    exchange.headers['Cache-Control'] = 'no-cache';
    // Proxies such as nginx gather answers unless told not to.
    exchange.headers['X-Accel-Buffering'] = 'no';
    const response = exchange.stream(200, EVENT_STREAM_TYPE);
    if (response.destroyed) {
      // The client left before the stream was ready; there will be no `close` any more.
      onClose();
      return null;
    }
    const stream: EventStream = new EventStream(response, raw, (bytes) => this.#written(stream, bytes));
    this.#open.add(stream);
    response.on('close', () => {
      this.#open.delete(stream);
      onClose();
    });
    // The client is gone; `close` follows.
    response.on('error', () => {});
    this.#timer ??= this.#options.clock.after(KEEP_ALIVE_MS, () => this.#keepAlive());
    return stream;
  }

  /** A stream could not begin: its answer cannot go on, as one of a batch, or has been made. */
  failed(error: unknown): void {
    this.#options.log.warn('stream.cut', errorFields(error));
  }

  /** Ends all, and begins no more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    for (const stream of this.#open) stream.end();
  }

  #written(stream: EventStream, bytes: number): void {
    if (stream.waitingBytes > WAITING_BYTES_MAX) this.#cut(stream, WAITING_BYTES_MAX);
    this.#writtenBytes += bytes;
    if (this.#writtenBytes <= WAITING_BYTES_TOTAL_MAX / 2) return;
    this.#writtenBytes = 0;
    const waiting = [...this.#open].map((one) => ({ one, bytes: one.waitingBytes }));
    let total = waiting.reduce((sum, each) => sum + each.bytes, 0);
    // Between two sums half of the limit may be added: half is left of it here.
    for (const { one, bytes: its } of waiting.sort((a, b) => b.bytes - a.bytes)) {
      if (total <= WAITING_BYTES_TOTAL_MAX / 2) break;
      total -= its;
      this.#cut(one, WAITING_BYTES_TOTAL_MAX);
    }
  }

  #cut(stream: EventStream, bytesMax: number): void {
    this.#options.log.warn('stream.cut', { waitingBytes: stream.waitingBytes, bytesMax });
    stream.cut();
  }

  #keepAlive(): void {
    this.#timer = null;
    for (const stream of this.#open) stream.keepAlive();
    if (this.#open.size > 0) this.#timer = this.#options.clock.after(KEEP_ALIVE_MS, () => this.#keepAlive());
  }
}
