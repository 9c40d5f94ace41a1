// A request that keeps its body as the parser finds it. Node passes it through a stream, whose events cost as much as
// deciding a flag; all that routes want is the whole body, within limits. Knows nothing of routes.

import { IncomingMessage } from 'node:http';
import type { BodyBudget } from './body-budget.ts';

/** Why there is no body: it is larger than one may be, or than what is left for all at this moment. */
export type NoBody = 'too-large' | 'no-room';
/** Told once, as soon as it is known. */
export type OnBody = (body: Buffer | NoBody) => void;

export interface BodyLimits {
  readonly bytesMax: number;
  readonly budget: BodyBudget;
}

export class BodyRequest extends IncomingMessage {
  /** Admitted for its path alone: the request names a host that is not an allowed one. */
  isForOtherHost = false;
  #onBody: OnBody | null = null;
  #limits: BodyLimits | null = null;
  #bytes = 0;
  #first: Buffer | null = null;
  #more: Buffer[] | null = null;
  /** Taken from the budget. */
  #heldBytes = 0;
  #onClose: (() => void) | null = null;

  /** To be called before the body comes: while the request is announced. Without it the body is passed over. */
  readBody(limits: BodyLimits, onBody: OnBody): void {
    this.#limits = limits;
    this.#onBody = onBody;
  }

  /** The body is needed no more. */
  release(): void {
    if (this.#heldBytes === 0) return;
    this.#limits?.budget.give(this.#heldBytes);
    this.#heldBytes = 0;
    if (this.#onClose !== null) this.socket.off('close', this.#onClose);
  }

  /**
   * Node's parser hands over what it finds, null at the end, all within its own call. False makes it stop reading
   * from the client.
   */
  override push(chunk: Buffer | null): boolean {
    if (this.#onBody === null) return true;
    if (chunk === null) {
      this.#finish(this.#whole());
      return true;
    }
    this.#bytes += chunk.byteLength;
    if (this.#bytes > (this.#limits as BodyLimits).bytesMax) return this.#refuse('too-large');
    if (this.#first === null) {
      this.#first = chunk;
      return true;
    }
    if (!this.#hold(this.#bytes - this.#heldBytes)) return this.#refuse('no-room');
    this.#more ??= [];
    this.#more.push(chunk);
    return true;
  }

  /** Node resumes a stream that is not read, so that the next request is not held up. Here nothing waits in a stream. */
  override resume(): this {
    return this;
  }

  #hold(bytes: number): boolean {
    if (!(this.#limits as BodyLimits).budget.take(bytes)) return false;
    if (this.#onClose === null) {
      this.#onClose = () => this.release();
      this.socket.once('close', this.#onClose);
    }
    this.#heldBytes += bytes;
    return true;
  }

  #refuse(why: NoBody): false {
    this.release();
    this.#finish(why);
    return false;
  }

  #whole(): Buffer {
    const first = this.#first ?? Buffer.alloc(0);
    return this.#more === null ? first : Buffer.concat([first, ...this.#more], this.#bytes);
  }

  #finish(body: Buffer | NoBody): void {
    const onBody = this.#onBody;
    this.#onBody = null;
    // The connection remembers its last request; its body need not last as long.
    this.#first = null;
    this.#more = null;
    onBody?.(body);
  }
}
