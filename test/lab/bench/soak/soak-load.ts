// Decisions asked of all agents, as fast as they answer or at a given rate, from a process of its own. At a rate, an answer's
// time counts from when its question was due: a server that stalls must not slow down who measures it.

import { AnswerReader } from './soak-answer.ts';
import { connectTo, type LoadConnection } from './soak-connection.ts';
import { Histogram } from './soak-histogram.ts';

const TICK_MS = 4;
const USERS = 1_000;

export interface LoadPlan {
  readonly apis: readonly string[];
  readonly sdkKey: string;
  readonly flagKey: string;
  readonly connectionsPerAgent: number;
}

export interface LoadFigures {
  readonly seconds: number;
  readonly answered: number;
  readonly perS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly failed: number;
  /** Answers of one agent on one connection that came from an earlier seq than the answer before. */
  readonly back: number;
  readonly firstFailure: string | null;
}

/** Told to the process: what to do from now on. `null` for as fast as possible, 0 for nothing. */
export interface LoadOrder {
  readonly perS: number | null;
}

function requestsOf({ sdkKey, flagKey }: LoadPlan, host: string): readonly Buffer[] {
  return Array.from({ length: USERS }, (_, user) => {
    const body = JSON.stringify({
      userId: `soak-${user}`,
      userAttributes: { country: 'DE', plan: 'granite', age: 30 },
      decideOptions: ['DISABLE_DECISION_EVENT'],
    });
    const head = [
      `POST /v1/decide?keys=${flagKey} HTTP/1.1`,
      `Host: ${host}`,
      'Content-Type: application/json',
      `X-Optimizely-SDK-Key: ${sdkKey}`,
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
  });
}

class Load {
  readonly #connections: readonly LoadConnection[];
  #perS: number | null = 0;
  #startedMs = performance.now();
  #asked = 0;
  #nextConnection = 0;
  #times = new Histogram();
  #failed = 0;
  #back = 0;
  #firstFailure: string | null = null;

  constructor(plan: LoadPlan) {
    const onAnswered = (connection: LoadConnection, dueMs: number, isBack: boolean) => {
      this.#times.add(performance.now() - dueMs);
      if (isBack) this.#back++;
      this.#askNext(connection);
    };
    const onFailed = (_connection: LoadConnection, why: string) => {
      this.#failed++;
      this.#firstFailure ??= why;
    };
    this.#connections = Array.from({ length: plan.connectionsPerAgent }).flatMap(() =>
      plan.apis.map((api) => {
        const { hostname, port, host } = new URL(api);
        const requests = requestsOf(plan, host);
        const reader = new AnswerReader();
        return connectTo({ hostname, port: Number(port), requests, reader, onAnswered, onFailed });
      }),
    );
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Returns what came of the order before. */
  order({ perS }: LoadOrder): LoadFigures {
    const seconds = (performance.now() - this.#startedMs) / 1000;
    const { count, max } = this.#times;
    const figures: LoadFigures = {
      ...{ seconds, answered: count, perS: count / seconds, maxMs: max },
      ...{ p50Ms: this.#times.percentile(0.5), p99Ms: this.#times.percentile(0.99) },
      ...{ failed: this.#failed, back: this.#back, firstFailure: this.#firstFailure },
    };
    this.#times = new Histogram();
    this.#failed = 0;
    this.#back = 0;
    this.#firstFailure = null;
    this.#startedMs = performance.now();
    this.#asked = 0;
    this.#perS = perS;
    if (perS === null) for (const connection of this.#connections) connection.ask(performance.now());
    return figures;
  }

  #tick(): void {
    for (const connection of this.#connections) {
      connection.checkTime();
      // At full speed only those that failed are free.
      if (this.#perS === null && connection.isFree) connection.ask(performance.now());
    }
    // Those that find no free connection stay due, and their time runs.
    for (let free = this.#freeConnection(); free !== undefined && this.#isDue; free = this.#freeConnection())
      this.#askNext(free);
  }

  get #isDue(): boolean {
    if (this.#perS === null || this.#perS === 0) return false;
    return this.#asked < ((performance.now() - this.#startedMs) / 1000) * this.#perS;
  }

  #askNext(connection: LoadConnection): void {
    if (this.#perS === null) connection.ask(performance.now());
    else if (this.#isDue) connection.ask(this.#startedMs + (1000 * this.#asked++) / this.#perS);
  }

  #freeConnection(): LoadConnection | undefined {
    for (let tried = 0; tried < this.#connections.length; tried++) {
      const connection = this.#connections[this.#nextConnection++ % this.#connections.length];
      if (connection?.isFree) return connection;
    }
    return undefined;
  }
}

const load = new Load(JSON.parse(process.argv[2] ?? '{}') as LoadPlan);
process.on('message', (order: LoadOrder) => process.send?.(load.order(order)));
process.once('disconnect', () => process.exit(0));
