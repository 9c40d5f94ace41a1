// POST /v1/batch: several requests in one. Each goes through the very routes that it would meet by itself, within this
// process; a few at a time, and other requests get their turn in between.

import { type Replay, type ReplayOptions, replayer } from './batch-replay.ts';
import { isJson } from './content-type.ts';
import type { Exchange } from './exchange.ts';
import { WRONG } from './schema.ts';
import { parseFirstJson } from './schema-body.ts';
import { BATCH_BODY, type BatchOperation } from './schema-routes.ts';

/** Of all answers together, which wait in memory for the slowest; 500 times a large datafile would be gigabytes. */
export const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** As the original writes "never": its answer to no operations at all. */
const NEVER = '0001-01-01T00:00:00Z';
const JSON_TYPE = 'application/json; charset=utf-8';
const TOO_MUCH = '{"error":"the answers of this batch are too large together; send fewer operations"}';

/** A batch within a batch is not among the routes. */
export interface BatchOptions extends ReplayOptions {
  readonly operationsLimit: number;
  /** Operations under way at a time. */
  readonly maxConcurrency: number;
  readonly nowMs: () => number;
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
    return run(options, operations, replay).then((text) => exchange.text(200, text, JSON_TYPE));
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
  operations: readonly BatchOperation[],
  replay: Replay,
): Promise<string> {
  const iso = () => new Date(options.nowMs()).toISOString();
  const startedAt = iso();
  const parts: string[] = [];
  let errorCount = 0;
  let answerBytes = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < operations.length) {
      const operation = operations[next++] as BatchOperation;
      const operationStartedAt = iso();
      const { status, headers, body } = await replay(operation);
      const json = body !== null && isJson(headers['Content-Type']) ? body.toString().trim() : null;
      answerBytes += json?.length ?? 0;
      const fits = answerBytes <= ANSWER_BYTES_MAX;
      if (!fits || status !== 200) errorCount++;
      const about = {
        status: fits ? status : 507,
        // The original only knows it where there is a body.
        requestID: json === null ? '' : String(headers['X-Request-Id'] ?? ''),
        operationID: operation.operationID,
        method: operation.method,
        url: operation.url,
        startedAt: operationStartedAt,
        endedAt: iso(),
      };
      parts.push(`${JSON.stringify(about).slice(0, -1)},"body":${fits ? json : TOO_MUCH}}`);
      await otherRequests();
    }
  };
  const workers = Math.max(1, Math.min(options.maxConcurrency, operations.length));
  await Promise.all(Array.from({ length: workers }, worker));
  const head = { startedAt, endedAt: parts.length === 0 ? NEVER : iso(), errorCount };
  return `${JSON.stringify(head).slice(0, -1)},"response":[${parts.join(',')}]}\n`;
}

/** Most operations are answered within the call; hundreds of them in a row would hold up everybody else. */
const otherRequests = () => new Promise<void>((resolve) => setImmediate(resolve));
