// The physical floor beside which propagation is measured: the same bytes, uncompressed, from one nats.ws publisher to as
// many plain subscribers over the same server, and nothing else done with them.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { connect, type NatsConnection } from 'nats.ws';

/** Not among the subjects that the stream captures. */
const SUBJECT = 'bench.raw';
const ARRIVE_TIMEOUT_MS = 10_000;
const NS_PER_MS = 1e6;

export interface RawFanout {
  /** Publishes once; resolves with each subscriber's time until it had the message, ms. */
  publish(payload: Uint8Array): Promise<number[]>;
  close(): Promise<void>;
}

export async function startRawFanout(wsUrl: string, subscribers: number): Promise<RawFanout> {
  const entry = fileURLToPath(new URL('./raw-subscriber.ts', import.meta.url));
  const children = Array.from({ length: subscribers }, () => fork(entry, [wsUrl, SUBJECT]));
  try {
    await Promise.all(children.map((child) => nextMessage(child)));
    return new RunningFanout(await connect({ servers: [wsUrl] }), children);
  } catch (error) {
    for (const child of children) child.kill();
    throw error;
  }
}

class RunningFanout implements RawFanout {
  readonly #connection: NatsConnection;
  readonly #children: readonly ChildProcess[];

  constructor(connection: NatsConnection, children: readonly ChildProcess[]) {
    this.#connection = connection;
    this.#children = children;
  }

  async publish(payload: Uint8Array): Promise<number[]> {
    const arrivals = this.#children.map((child) => nextMessage(child) as Promise<{ atNs: string }>);
    const sentAtNs = process.hrtime.bigint();
    this.#connection.publish(SUBJECT, payload);
    const messages = await Promise.all(arrivals);
    return messages.map(({ atNs }) => Number(BigInt(atNs) - sentAtNs) / NS_PER_MS);
  }

  async close(): Promise<void> {
    await this.#connection.close();
    const ended = this.#children.map((child) => once(child, 'exit'));
    for (const child of this.#children) child.disconnect();
    await Promise.all(ended);
  }
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const [message] = await once(child, 'message', { signal: AbortSignal.timeout(ARRIVE_TIMEOUT_MS) });
  return message;
}
