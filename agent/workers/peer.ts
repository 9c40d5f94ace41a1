// One side of a conversation between two processes: asks questions, answers those of the other side, tells and hears
// news. Pure: what carries the messages, in order, is handed in.

import { FanoutError, messageOf } from '../../core/errors.ts';

// biome-ignore lint/suspicious/noExplicitAny: the parameter of any call; each table of calls says its own.
type Call = (arg: any) => any;
type Calls<T> = { readonly [K in keyof T]: Call };

/** Functions that answer questions: with the value in the table, or a promise of it. */
export type Answers<T extends Calls<T>> = {
  readonly [K in keyof T]: (arg: Parameters<T[K]>[0]) => ReturnType<T[K]> | Promise<ReturnType<T[K]>>;
};

/** Carries a message to the other side; calls `sent` when it has left, whether it arrived or not. */
export type Send = (message: unknown, sent?: () => void) => void;

type Message =
  | { readonly ask: string; readonly id: number; readonly arg: unknown }
  | { readonly answer: number; readonly value: unknown }
  | { readonly failed: number; readonly reason: string }
  | { readonly news: string; readonly arg: unknown };

interface Waiting {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

export interface PeerOptions {
  readonly send: Send;
  /** Handlers by name, for questions and for news. */
  readonly answers: Readonly<Record<string, Call>>;
  readonly news: Readonly<Record<string, Call>>;
}

export class Peer<TheirAnswers extends Calls<TheirAnswers>, TheirNews extends Calls<TheirNews>> {
  readonly #send: Send;
  readonly #answers: ReadonlyMap<string, Call>;
  readonly #news: ReadonlyMap<string, Call>;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #closed = false;

  constructor({ send, answers, news }: PeerOptions) {
    this.#send = send;
    this.#answers = new Map(Object.entries(answers));
    this.#news = new Map(Object.entries(news));
  }

  /** @throws FanoutError WORKER_FAILED when the other side could not answer, or is gone */
  ask<K extends keyof TheirAnswers & string>(
    name: K,
    arg: Parameters<TheirAnswers[K]>[0],
  ): Promise<ReturnType<TheirAnswers[K]>> {
    if (this.#closed) return Promise.reject(failed(`is gone and cannot be asked to ${name}`));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#say({ ask: name, id, arg });
    });
  }

  /** @param sent called when the news have left this process */
  tell<K extends keyof TheirNews & string>(
    name: K,
    arg: Parameters<TheirNews[K]>[0],
    sent?: () => void,
  ): void {
    if (!this.#closed) this.#say({ news: name, arg }, sent);
  }

  /** Handles a message of the other side. Ignores messages that are not in this format. */
  receive(raw: unknown): void {
    const message = raw as Message;
    if ('news' in message) this.#news.get(message.news)?.(message.arg);
    else if ('ask' in message) void this.#answer(message.ask, message.id, message.arg);
    else if ('answer' in message) this.#take(message.answer)?.resolve(message.value);
    else if ('failed' in message) this.#take(message.failed)?.reject(failed(message.reason));
  }

  /** Call when the other side is gone: every pending question fails. */
  close(): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(failed('is gone'));
    this.#waiting.clear();
  }

  async #answer(name: string, id: number, arg: unknown): Promise<void> {
    try {
      const value = await this.#answers.get(name)?.(arg);
      this.#say({ answer: id, value });
    } catch (error) {
      this.#say({ failed: id, reason: messageOf(error) });
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #say(message: Message, sent?: () => void): void {
    if (!this.#closed) this.#send(message, sent);
  }
}

const failed = (reason: string) =>
  new FanoutError({
    code: 'WORKER_FAILED',
    message: `The other process says, or shows: ${reason}`,
    remedy: 'A worker that is gone is replaced by itself; see the log for why.',
    retryable: true,
  });
