// Whether a client's secret is right. Comparing it with its bcrypt hash is slow by design, so that guesses must neither keep
// the real client from its token nor tell by their duration which ids exist. Knows no HTTP.

import { createHmac, timingSafeEqual } from 'node:crypto';
import type { AuthClient } from '../../config/config.ts';
import { FairQueue } from './fair-queue.ts';

/** Comparisons waiting, for one id and one client's address and in all; each takes a quarter of a second of one core. */
const LIMITS = { laneMax: 32, allMax: 128 } as const;
/** Before the text that is hashed; no token begins so, which are signed with the same key. */
const PURPOSE = 'client secret\0';

export interface SecretChecksDeps {
  readonly clients: readonly AuthClient[];
  /** Secret; what a secret was recognised by before stays in memory as its hash under this key. */
  readonly key: Uint8Array;
  readonly compareSecret: (secret: Uint8Array, hash: string) => Promise<boolean>;
}

export interface Claimed {
  readonly id: string;
  readonly secret: Uint8Array;
  /** Guesses from one address take turns with what comes from others. */
  readonly address: string;
  /** False once its answer would reach no client. */
  readonly isWanted: () => boolean;
}

export class SecretChecks {
  readonly #deps: SecretChecksDeps;
  readonly #queue = new FairQueue(LIMITS);
  /** Of each client the secret that was right last, hashed. */
  readonly #right = new Map<string, Buffer>();

  constructor(deps: SecretChecksDeps) {
    this.#deps = deps;
  }

  /** The client whose secret it is; `busy` where too many wait, `wrong` for all else. */
  async check({ id, secret, address, isWanted }: Claimed): Promise<AuthClient | 'wrong' | 'busy'> {
    const { clients, compareSecret } = this.#deps;
    const client = clients.find((it) => it.id === id);
    const digest = this.#digest(id, secret);
    const known = this.#right.get(id);
    if (client !== undefined && known !== undefined && timingSafeEqual(known, digest)) return client;
    // An id that no client has takes as long: its secret is compared with that of any client.
    const { secretHash } = client ?? (clients[0] as AuthClient);
    const lane = `${address}\n${client?.id ?? ''}`;
    const isRight = await this.#queue.run(lane, () => compareSecret(secret, secretHash), isWanted);
    if (isRight === null) return 'busy';
    if (!isRight || client === undefined) return 'wrong';
    this.#right.set(id, digest);
    return client;
  }

  #digest(id: string, secret: Uint8Array): Buffer {
    return createHmac('sha256', this.#deps.key).update(`${PURPOSE}${id}\0`).update(secret).digest();
  }
}
