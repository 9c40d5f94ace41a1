// A built agent of two workers in the test's hands: connections that stay at one worker, what it logs, and its events.

import { Agent, get, request } from 'node:http';
import type { HealthReport } from '../../agent/datafiles/health/status.ts';
import { KEY } from '../agent/support/fakes.ts';
import { flagsBody } from '../agent/support/flags.ts';
import { startHttp, TestCdn, type TestHttp } from '../agent/support/http.ts';
import { AgentProcess, type LogLine } from '../support/agent-process.ts';
import { eventually } from '../support/eventually.ts';

export interface Decided {
  readonly status: number;
  readonly revision: number;
  readonly enabled: boolean | undefined;
}

interface Answer {
  readonly status: number;
  readonly revision: number;
  readonly body: string;
}

/** One connection, kept alive: it stays at the worker it was handed to. */
export class Connection {
  readonly #port: number;
  readonly #agent: Agent;

  constructor(port: number, keepAlive = true) {
    this.#port = port;
    this.#agent = new Agent({ keepAlive, maxSockets: 1 });
  }

  post(path: string, body: object, sdkKey: string = KEY): Promise<Answer> {
    const headers = { 'content-type': 'application/json', 'x-optimizely-sdk-key': sdkKey };
    const options = {
      port: this.#port,
      host: '127.0.0.1',
      path,
      method: 'POST',
      agent: this.#agent,
      headers,
    };
    return new Promise((resolve, reject) => {
      const asked = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            revision: Number(response.headers['x-datafile-revision']),
            body: text,
          }),
        );
      });
      asked.on('error', reject).end(JSON.stringify(body));
    });
  }

  async decide(flagKey: string, userId: string, sdkKey: string = KEY): Promise<Decided> {
    const { status, revision, body } = await this.post(`/v1/decide?keys=${flagKey}`, { userId }, sdkKey);
    return { status, revision, enabled: JSON.parse(body).enabled };
  }

  close(): void {
    this.#agent.destroy();
  }
}

interface Around {
  readonly cdn: TestCdn;
  readonly events: TestHttp;
}

export class WorkersAgent {
  readonly sdkKey = KEY;
  readonly cdn: TestCdn;
  readonly events: TestHttp;
  readonly #process: AgentProcess;
  readonly #opened: Connection[] = [];

  private constructor(around: Around, env: Record<string, string>) {
    this.cdn = around.cdn;
    this.events = around.events;
    this.#process = new AgentProcess({
      isBuilt: true,
      env: {
        OPTIMIZELY_SDKKEYS: KEY,
        AGENT_WORKERS: '2',
        OPTIMIZELY_API_ENABLEOVERRIDES: 'true',
        OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true',
        OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: this.cdn.template,
        OPTIMIZELY_CLIENT_POLLINGINTERVAL: '1s',
        OPTIMIZELY_CLIENT_EVENTURL: this.events.url,
        OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({
          default: 'in-memory',
          services: { 'in-memory': { capacity: 0 } },
        }),
        ...env,
      },
    });
  }

  get lines(): readonly LogLine[] {
    return this.#process.logged;
  }

  get ended(): Promise<number | string> {
    return this.#process.ended;
  }

  /** Listening, with what is around it. */
  static async start(): Promise<WorkersAgent> {
    const cdn = await new TestCdn().start();
    cdn.bodies.set(KEY, flagsBody(1));
    const events = await startHttp(() => ({ status: 204 }));
    const agent = new WorkersAgent({ cdn, events }, {});
    await eventually('it listens', () => agent.#started());
    return agent;
  }

  /** Another process with the surroundings of the first; it may not come to listen. */
  static spawn(env: Record<string, string>, { cdn, events }: WorkersAgent): WorkersAgent {
    return new WorkersAgent({ cdn, events }, env);
  }

  get apiPort(): number {
    return Number(this.#started()?.apiPort);
  }

  /** Two new ones, one at each worker: they are handed out in turn. */
  connections(): readonly [Connection, Connection] {
    return [this.#open(true), this.#open(true)];
  }

  /** A new connection for each request. */
  fresh(): Connection {
    return this.#open(false);
  }

  async health(): Promise<HealthReport> {
    const response = await fetch(`http://127.0.0.1:${this.#started()?.adminPort}/health`);
    return (await response.json()) as HealthReport;
  }

  /** All workers serve all there is. */
  whole(): Promise<true> {
    return eventually('all workers serve', async () => {
      const { workers, datafiles } = await this.health();
      return workers?.whole === true && datafiles.every(({ datafile }) => datafile !== null);
    });
  }

  /** Those that were answered 200, by all workers since the start. */
  decisionsCounted(): Promise<number> {
    return this.#counted('fanout_agent_http_requests_total{route="POST /v1/decide",status="200"}');
  }

  /** The same by the original's timer, which counts every answer. */
  decisionsTimed(): Promise<number> {
    return this.#counted('timer_decide_hits');
  }

  /** Workers that were ended because they did not answer any more. */
  workersFrozen(): Promise<number> {
    return this.#counted('fanout_agent_workers_frozen_total');
  }

  /** What the line with this name says. */
  async #counted(name: string): Promise<number> {
    const response = await fetch(`http://127.0.0.1:${this.#started()?.adminPort}/metrics`, {
      headers: { accept: 'text/plain' },
    });
    const lines = (await response.text()).split('\n').filter((line) => line.startsWith(`${name} `));
    return lines.reduce((sum, line) => sum + Number(line.slice(name.length)), 0);
  }

  /** What a listener is told, once it listens. */
  listen(): Promise<{ text(): string; end(): void }> {
    const path = '/v1/notifications/event-stream';
    const headers = { 'x-optimizely-sdk-key': KEY };
    return new Promise((resolve, reject) => {
      const options = { port: this.apiPort, host: '127.0.0.1', path, headers, agent: false };
      const asked = get(options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part) => {
          text += part;
        });
        resolve({ text: () => text, end: () => asked.destroy() });
      });
      asked.on('error', reject);
    });
  }

  kill(): void {
    this.#process.child.kill('SIGKILL');
  }

  /** Its exit code after SIGTERM. */
  stop(): Promise<number | string> {
    return this.#process.stop();
  }

  async close(): Promise<void> {
    for (const connection of this.#opened) connection.close();
    this.kill();
    await this.ended;
    await this.cdn.close();
    await this.events.close();
  }

  #open(keepAlive: boolean): Connection {
    const connection = new Connection(this.apiPort, keepAlive);
    this.#opened.push(connection);
    return connection;
  }

  #started(): LogLine | undefined {
    return this.lines.find(({ event }) => event === 'agent.started');
  }
}

/** False once it is gone, or waits for its parent to take notice. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false; // No such process.
  }
}
