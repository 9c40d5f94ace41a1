// How often the agent looks for SDK keys that were not asked for yet: each look asks the CDN. Limited for each client, so that
// one who makes keys up leaves room for the others' first requests, and for all of them together.

import { type RateLimit, type RateState, takeToken } from '../../core/rate-limit.ts';

/** Look-ups of one client beyond as many keys as may be served, and then in each second. With fewer, a small flood takes all of them. */
const CLIENT_BURST = 100;
const CLIENT_PER_SECOND = 150;
/** Of all clients: three of them that do nothing else leave a quarter. The CDN's edges answer far more. */
const ALL_BURST = 4 * CLIENT_BURST;
const ALL_PER_SECOND = 4 * CLIENT_PER_SECOND;
/** At the same time, of one client and of all. */
const CLIENT_PENDING_MAX = 50;
const ALL_PENDING_MAX = 4 * CLIENT_PENDING_MAX;
/** Clients remembered; the one whose last look is longest ago is forgotten. */
const CLIENTS_MAX = 10_000;

interface Client {
  rate: RateState | null;
  pending: number;
}

export interface LookupBudgetOptions {
  /** Keys that may be served: as many looks at once are nothing unusual. */
  readonly keysMax: number;
  readonly nowMs: () => number;
}

export class LookupBudget {
  readonly #nowMs: () => number;
  readonly #ofClient: RateLimit;
  readonly #ofAll: RateLimit;
  readonly #clients = new Map<string, Client>();
  #rate: RateState | null = null;
  #pending = 0;

  constructor({ keysMax, nowMs }: LookupBudgetOptions) {
    this.#nowMs = nowMs;
    this.#ofClient = { burst: keysMax + CLIENT_BURST, perSecond: CLIENT_PER_SECOND };
    this.#ofAll = { burst: keysMax + ALL_BURST, perSecond: ALL_PER_SECOND };
  }

  /** Calls `look` unless there are too many; null then. @param name of the client, such as its address */
  run<T>(name: string, look: () => Promise<T>): Promise<T> | null {
    const client = this.#client(name);
    if (this.#pending >= ALL_PENDING_MAX || client.pending >= CLIENT_PENDING_MAX || !this.#take(client))
      return null;
    client.pending++;
    this.#pending++;
    return look().finally(() => {
      client.pending--;
      this.#pending--;
    });
  }

  #take(client: Client): boolean {
    const nowMs = this.#nowMs();
    const own = takeToken(client.rate, nowMs, this.#ofClient);
    client.rate = own.state;
    // A refused look-up of one client takes nothing from the others.
    if (!own.isAllowed) return false;
    const all = takeToken(this.#rate, nowMs, this.#ofAll);
    this.#rate = all.state;
    return all.isAllowed;
  }

  /** The last to have looked is the last in the table. */
  #client(name: string): Client {
    const client = this.#clients.get(name) ?? { rate: null, pending: 0 };
    this.#clients.delete(name);
    if (this.#clients.size >= CLIENTS_MAX) this.#clients.delete(this.#clients.keys().next().value as string);
    this.#clients.set(name, client);
    return client;
  }
}
