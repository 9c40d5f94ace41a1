// Reads HTTP answers off a socket, as little of them as a load has to know: status, seq, and where one ends. For answers
// with a Content-Length, one at a time.

export interface Answer {
  readonly status: number;
  /** Of the datafile that decided; 0 when it does not say. */
  readonly seq: number;
}

const END_OF_HEAD = Buffer.from('\r\n\r\n');

export class AnswerReader {
  #bytes: Buffer = Buffer.alloc(0);

  /** The answer that `chunk` completes; null when more is to come. @throws Error when it is not such an answer */
  read(chunk: Buffer): Answer | null {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    const end = this.#bytes.indexOf(END_OF_HEAD);
    if (end < 0) return null;
    const head = this.#bytes.toString('latin1', 0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (!head.startsWith('HTTP/1.1 ') || length === undefined) throw new Error('an answer of another kind');
    const total = end + END_OF_HEAD.length + Number(length);
    if (this.#bytes.length < total) return null;
    if (this.#bytes.length > total) throw new Error('more came than was asked for');
    this.reset();
    const seq = /\r\nx-datafile-seq: *(\d+)/i.exec(head)?.[1];
    return { status: Number(head.slice(9, 12)), seq: Number(seq ?? 0) };
  }

  reset(): void {
    this.#bytes = Buffer.alloc(0);
  }
}
