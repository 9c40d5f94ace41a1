// POST /v1/batch: several requests in one. Each goes through the very routes that it would meet by itself, within this
// process; a few at a time, and other requests get their turn in between.

import { isJson } from '../kernel/content-type.ts';
import type { AnswerRoom, Exchange } from '../kernel/exchange.ts';
import { Refused } from '../kernel/refused.ts';
import type { Turns } from '../kernel/turns.ts';
import { WRONG } from '../openapi/schema.ts';
import { parseFirstJson } from '../openapi/schema-body.ts';
import { BATCH_BODY, type BatchOperation } from '../openapi/schema-routes.ts';
import { type Replay, type Replayed, type ReplayOptions, replayer } from './batch-replay.ts';

/** As the original writes "never": its answer to no operations at all. */
const NEVER = '0001-01-01T00:00:00Z';
const JSON_TYPE = 'application/json; charset=utf-8';

/** A batch within a batch is not among the routes. */
export interface BatchOptions extends ReplayOptions {
  readonly operationsLimit: number;
  /** Operations under way at a time. */
  readonly maxConcurrency: number;
  readonly nowMs: () => number;
  readonly turns: Pick<Turns, 'next' | 'long'>;
}

export function batchHandler(options: BatchOptions): (exchange: Exchange) => void | Promise<void> {
  const replay = replayer(options);
  return (exchange) => {
    const operations = readOperations(exchange.body);
    // JSON that is called text: so does the original.
    if (operations === null) return exchange.text(400, '{"error": "cannot decode the operation body"}\n');
    const { operationsLimit } = options;
    if (operations.length > operationsLimit)
      return exchange.text(
        422,
        `{"error": "too many operations, exceeding ${operationsLimit} operations"}\n`,
      );
    return options.turns
      .long(() => run(options, exchange, operations, replay))
      .then((text) => exchange.text(200, text, JSON_TYPE));
  };
}

function readOperations(body: Buffer): readonly BatchOperation[] | null {
  // No bytes at all are an empty object elsewhere, but not here; what follows the JSON is refused elsewhere, but not here.
  const value = body.byteLength === 0 ? undefined : parseFirstJson(body);
  const read = value === undefined ? WRONG : BATCH_BODY.read(value);
  return read === WRONG ? null : read.operations;
}

/** The answer's text. Bodies are JSON already and are put in as they are. */
async function run(
  options: BatchOptions,
  exchange: Pick<Exchange, 'hold' | 'isGone'>,
  operations: readonly BatchOperation[],
  replay: Replay,
): Promise<string> {
  const iso = () => new Date(options.nowMs()).toISOString();
  const startedAt = iso();
  const parts: string[] = [];
  let errorCount = 0;
  let next = 0;
  const room = new BatchRoom(exchange);
  const worker = async (): Promise<void> => {
    while (next < operations.length && !exchange.isGone) {
      // Most operations are answered within the call; hundreds of them in a row would hold up all other requests.
      await options.turns.next(true);
      const operation = operations[next++];
      if (operation === undefined) return;
      const operationStartedAt = iso();
      const { status, json, requestID } = room.kept(await replay(operation, room));
      if (status !== 200) errorCount++;
      const about = {
        status,
        requestID,
        operationID: operation.operationID,
        method: operation.method,
        url: operation.url,
        startedAt: operationStartedAt,
        endedAt: iso(),
      };
      parts.push(`${JSON.stringify(about).slice(0, -1)},"body":${json}}`);
    }
  };
  const workers = Math.max(1, Math.min(options.maxConcurrency, operations.length));
  await Promise.all(Array.from({ length: workers }, worker));
  const head = { startedAt, endedAt: parts.length === 0 ? NEVER : iso(), errorCount };
  return `${JSON.stringify(head).slice(0, -1)},"response":[${parts.join(',')}]}\n`;
}

/** The answers of one batch, which wait in memory for the slowest: 500 times a large datafile would be gigabytes. */
class BatchRoom implements AnswerRoom {
  readonly #exchange: Pick<Exchange, 'hold'>;
  #bytes = 0;

  constructor(exchange: Pick<Exchange, 'hold'>) {
    this.#exchange = exchange;
  }

  /** @throws Refused */
  take(bytes: number, hasBytes: number): void {
    const inAll = this.#bytes + bytes - hasBytes;
    try {
      this.#exchange.hold(inAll);
    } catch (error) {
      // Too large together, not by itself.
      if (error instanceof Refused && error.status !== 503) throw new Refused(507, error.message);
      throw error;
    }
    this.#bytes = inAll;
  }

  /** What an operation takes it keeps: its answer becomes a part of the batch's. */
  give(): void {}

  kept({ status, headers, body, heldBytes }: Replayed) {
    // The original only knows the id where there is a body.
    if (body === null || !isJson(headers['Content-Type'])) return { status, json: null, requestID: '' };
    const requestID = String(headers['X-Request-Id'] ?? '');
    try {
      this.take(body.byteLength, Math.min(heldBytes, body.byteLength));
      return { status, json: body.toString().trim(), requestID };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return { status: error.status, json: JSON.stringify({ error: error.message }), requestID };
    }
  }
}
