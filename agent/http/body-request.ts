// A request that keeps its body as the parser finds it. Node passes it through a stream, whose events cost as much as
// deciding a flag; all that routes want is the whole body, within a limit. Knows nothing of routes.

import { IncomingMessage } from 'node:http';

/** Told once: the whole body, or null as soon as it is larger than allowed. */
export type OnBody = (body: Buffer | null) => void;

export class BodyRequest extends IncomingMessage {
  #onBody: OnBody | null = null;
  #bytesMax = 0;
  #bytes = 0;
  #first: Buffer | null = null;
  #more: Buffer[] | null = null;

  /** To be called before the body comes: while the request is announced. Without it the body is passed over. */
  readBody(bytesMax: number, onBody: OnBody): void {
    this.#bytesMax = bytesMax;
    this.#onBody = onBody;
  }

  /**
   * How Node's parser hands over what it finds, null at the end, all within its own call. False makes it stop reading
   * from the client.
   */
  override push(chunk: Buffer | null): boolean {
    if (this.#onBody === null) return true;
    if (chunk === null) {
      this.#finish(this.#whole());
      return true;
    }
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#bytesMax) {
      this.#finish(null);
      return false;
    }
    if (this.#first === null) this.#first = chunk;
    else {
      this.#more ??= [];
      this.#more.push(chunk);
    }
    return true;
  }

  /** Node resumes what nobody reads, so that the next request is not held up. Here nothing waits in a stream. */
  override resume(): this {
    return this;
  }

  #whole(): Buffer {
    const first = this.#first ?? Buffer.alloc(0);
    return this.#more === null ? first : Buffer.concat([first, ...this.#more], this.#bytes);
  }

  #finish(body: Buffer | null): void {
    const onBody = this.#onBody;
    this.#onBody = null;
    // The connection remembers its last request; its body need not last as long.
    this.#first = null;
    this.#more = null;
    onBody?.(body);
  }
}
