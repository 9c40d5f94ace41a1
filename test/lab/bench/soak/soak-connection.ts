// One kept connection of the load: asks one question at a time, opens anew when it was closed, and gives up on an answer that
// does not come.

import { createConnection, type Socket } from 'node:net';
import type { AnswerReader } from './soak-answer.ts';

const ANSWER_TIMEOUT_MS = 5_000;

export interface ConnectionPlan {
  readonly hostname: string;
  readonly port: number;
  /** Asked in turn. */
  readonly requests: readonly Buffer[];
  readonly reader: AnswerReader;
  readonly onAnswered: (connection: LoadConnection, dueMs: number, isBack: boolean) => void;
  readonly onFailed: (connection: LoadConnection, why: string) => void;
}

export interface LoadConnection {
  readonly isFree: boolean;
  /** @param dueMs when the question should have been asked, on performance.now()'s clock */
  ask(dueMs: number): void;
  /** Fails a question that has waited too long. */
  checkTime(): void;
}

export const connectTo = (plan: ConnectionPlan): LoadConnection => new Connection(plan);

class Connection implements LoadConnection {
  readonly #plan: ConnectionPlan;
  #socket: Socket | null = null;
  #dueMs: number | null = null;
  #askedMs = 0;
  #asked = 0;
  #seq = 0;

  constructor(plan: ConnectionPlan) {
    this.#plan = plan;
  }

  get isFree(): boolean {
    return this.#dueMs === null;
  }

  ask(dueMs: number): void {
    if (this.#dueMs !== null) return;
    this.#dueMs = dueMs;
    this.#askedMs = performance.now();
    this.#socket ??= this.#open();
    this.#socket.write(this.#plan.requests[this.#asked++ % this.#plan.requests.length] as Buffer);
  }

  checkTime(): void {
    if (this.#dueMs !== null && performance.now() - this.#askedMs > ANSWER_TIMEOUT_MS)
      this.#socket?.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`));
  }

  #open(): Socket {
    const { hostname, port, reader } = this.#plan;
    reader.reset();
    const socket = createConnection({ host: hostname, port, noDelay: true });
    let why = 'the connection was closed';
    socket.on('data', (chunk) => this.#read(socket, chunk));
    socket.on('error', (error) => {
      why = error.message;
    });
    // Closed between two questions it did no harm: the next one opens another.
    socket.once('close', () => {
      this.#socket = null;
      if (this.#dueMs === null) return;
      this.#dueMs = null;
      this.#plan.onFailed(this, why);
    });
    return socket;
  }

  #read(socket: Socket, chunk: Buffer): void {
    try {
      const answer = this.#plan.reader.read(chunk);
      if (answer === null || this.#dueMs === null) return;
      const dueMs = this.#dueMs;
      this.#dueMs = null;
      if (answer.status !== 200) {
        this.#plan.onFailed(this, `status ${answer.status}`);
        return;
      }
      const isBack = answer.seq < this.#seq;
      this.#seq = answer.seq;
      this.#plan.onAnswered(this, dueMs, isBack);
    } catch (error) {
      socket.destroy(error as Error);
    }
  }
}
