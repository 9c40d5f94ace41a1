// Small parts of a connection: messages as nats.ws shows them, and the stream of its states.

import type { Dice } from '../dice.ts';
import { type Message, NO_HEADERS } from './nats-server.ts';
import { flip } from './s3-client.ts';

export interface SimMessage {
  readonly headers: {
    readonly code: number;
    readonly description: string;
    get(name: string): string;
  };
  readonly data: Uint8Array;
  json<T>(): T;
}

export const messageOf = (
  code: number,
  headers: ReadonlyMap<string, string>,
  data: Uint8Array,
): SimMessage => ({
  headers: { code, description: '', get: (name) => headers.get(name) ?? '' },
  data,
  json: () => JSON.parse(new TextDecoder().decode(data)),
});

export const payloadOf = (payload: Uint8Array | undefined): Uint8Array => payload ?? new Uint8Array(0);

export const headersOf = (headers: unknown): ReadonlyMap<string, string> => {
  if (headers === undefined) return NO_HEADERS;
  const all = headers as { keys(): string[]; get(name: string): string };
  return new Map(all.keys().map((name) => [name, all.get(name)]));
};

export const corrupted = (message: Message, dice: Dice): Message => ({
  ...message,
  payload: flip(message.payload, dice.int(0, message.payload.byteLength - 1)),
});

/** What a connection goes through, for one reader. */
export class Statuses implements AsyncIterable<{ type: string }> {
  readonly #waiting: { type: string }[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  push(type: string): void {
    this.#waiting.push({ type });
    this.#wake?.();
  }

  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<{ type: string }> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
