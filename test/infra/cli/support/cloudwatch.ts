// A stand-in for CloudWatch Logs Insights, as far as one query goes: start, ask until it is complete, stop.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { answer, type HttpServer, readBody, serveHttp } from '../../../../infra/local/tools/http.ts';

const BODY_BYTES_MAX = 64 * 1024;
const TARGET_PREFIX = 'Logs_20140328.';

export type Row = Readonly<Record<string, string | number>>;

export interface StartQuery {
  readonly logGroupNames: readonly string[];
  readonly queryString: string;
  /** Seconds. */
  readonly startTime: number;
  readonly endTime: number;
}

export class CloudWatch {
  readonly queries: StartQuery[] = [];
  readonly stopped: string[] = [];
  /** What a query finds. */
  find: (query: StartQuery) => readonly Row[] = () => [];
  /** How often a query is asked for before it is complete. */
  looksNeeded = 1;
  /** Answers every start so, when it is set: the name of an exception. */
  refusal: string | null = null;
  readonly #looks = new Map<string, number>();
  #server: HttpServer | null = null;

  async start(): Promise<this> {
    this.#server = await serveHttp((request, response) => this.#handle(request, response), 0);
    return this;
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }

  /** What makes the SDK come here, and nowhere else. */
  get env(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: this.#server?.url ?? '',
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_MAX_ATTEMPTS: '1',
    };
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const operation = String(request.headers['x-amz-target']).slice(TARGET_PREFIX.length);
    const input = JSON.parse((await readBody(request, BODY_BYTES_MAX)).toString());
    if (operation === 'StartQuery' && this.refusal !== null)
      respond(response, 400, { __type: this.refusal, message: 'as the test wants it' });
    else if (operation === 'StartQuery') {
      const queryId = `query-${this.queries.push(input)}`;
      this.#looks.set(queryId, 0);
      respond(response, 200, { queryId });
    } else if (operation === 'GetQueryResults') respond(response, 200, this.#results(input.queryId));
    else if (operation === 'StopQuery') {
      this.stopped.push(input.queryId);
      respond(response, 200, { success: true });
    } else respond(response, 400, { __type: 'InvalidAction', message: operation });
  }

  #results(queryId: string): object {
    const looks = (this.#looks.get(queryId) ?? 0) + 1;
    this.#looks.set(queryId, looks);
    const statistics = { bytesScanned: 12_345_678, recordsMatched: 1, recordsScanned: 2 };
    if (looks < this.looksNeeded) return { status: 'Running', results: [], statistics };
    const query = this.queries[Number(queryId.slice('query-'.length)) - 1] as StartQuery;
    const results = this.find(query).map((row) => [
      ...Object.entries(row).map(([field, value]) => ({ field, value: String(value) })),
      { field: '@ptr', value: 'a pointer' },
    ]);
    return { status: 'Complete', results, statistics };
  }
}

const respond = (response: ServerResponse, status: number, value: object): void =>
  answer(response, status, { 'content-type': 'application/x-amz-json-1.1' }, JSON.stringify(value));
