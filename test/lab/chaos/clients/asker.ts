// Asks one agent for a decision over and over, on one connection, and keeps what came of it. Knows nothing of faults but
// whether its agent is dead at the moment.

import { Agent as Connections, request } from 'node:http';

const PAUSE_MS = 5;
/** Longer than an agent is ever stopped here: a late answer is an answer. */
const ANSWER_TIMEOUT_MS = 20_000;
const FAILURES_KEPT_MAX = 3;
const BODY = JSON.stringify({ userId: 'user-1', decideOptions: ['DISABLE_DECISION_EVENT'] });

export interface Asked {
  readonly revision: number;
  readonly atMs: number;
}

interface Answer {
  readonly revision: number;
  readonly seq: number;
  /** True for an answer on a connection that had answered before. */
  readonly isSameConnection: boolean;
}

export class Asker {
  readonly name: string;
  asked = 0;
  failed = 0;
  refusedWhileDead = 0;
  readonly failures: string[] = [];
  readonly wentBack: string[] = [];
  /** When a revision was first served. */
  readonly firsts: Asked[] = [];
  readonly #api: string;
  readonly #sdkKey: string;
  readonly #connections = new Connections({ keepAlive: true, maxSockets: 1 });
  #isDead = false;
  #isStopped = false;
  #loop: Promise<void> | undefined;
  #revision = 0;
  #seq = 0;

  constructor(name: string, api: string, sdkKey: string) {
    this.name = name;
    this.#api = api;
    this.#sdkKey = sdkKey;
  }

  /** What it served last. */
  get revision(): number {
    return this.#isDead ? 0 : this.#revision;
  }

  start(): void {
    this.#loop = this.#ask();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#loop;
    this.#connections.destroy();
  }

  /** From now on failures are its death's. */
  died(): void {
    this.#isDead = true;
  }

  revived(): void {
    this.#isDead = false;
  }

  async #ask(): Promise<void> {
    while (!this.#isStopped) {
      this.asked++;
      const wasDead = this.#isDead;
      try {
        this.#keep(await this.#decide());
      } catch (error) {
        if (wasDead || this.#isDead) this.refusedWhileDead++;
        else {
          this.failed++;
          if (this.failures.length < FAILURES_KEPT_MAX) this.failures.push(`${this.name}: ${String(error)}`);
        }
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  #keep({ revision, seq, isSameConnection }: Answer): void {
    // Another connection is another life, or another worker, which may be some milliseconds behind.
    if (isSameConnection && seq < this.#seq)
      this.wentBack.push(`${this.name} from seq ${this.#seq} to ${seq}`);
    if (revision > this.#revision) this.firsts.push({ revision, atMs: Date.now() });
    this.#seq = seq;
    this.#revision = revision;
  }

  #decide(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asking = request(
        `${this.#api}/v1/decide?keys=flag_1`,
        {
          method: 'POST',
          agent: this.#connections,
          timeout: ANSWER_TIMEOUT_MS,
          headers: {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(BODY),
            'x-optimizely-sdk-key': this.#sdkKey,
          },
        },
        (response) => {
          response.resume();
          response.once('error', reject);
          response.once('end', () => {
            if (response.statusCode !== 200) return reject(new Error(`answered ${response.statusCode}`));
            resolve({
              revision: Number(response.headers['x-datafile-revision']),
              seq: Number(response.headers['x-datafile-seq']),
              isSameConnection: asking.reusedSocket,
            });
          });
        },
      );
      asking.once('timeout', () => asking.destroy(new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`)));
      asking.once('error', reject);
      asking.end(BODY);
    });
  }
}
