// A real nats-server for one test file, on free ports, with JetStream and WebSocket.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Part } from '../../../infra/local/stack/part.ts';
import { freePorts } from '../../../infra/local/stack/ports.ts';
import { startReaper } from '../../../infra/local/stack/reaper-client.ts';
import { ensureNatsServer } from '../../../infra/local/tools/nats-install.ts';
import { createNatsServer } from '../../../infra/local/tools/nats-server.ts';

export interface TestNats {
  readonly url: string;
  readonly wsUrl: string;
  readonly wsPort: number;
  /** Kill, stop and restart it at will: it comes back on the same ports with what it had. */
  readonly part: Part;
  close(): Promise<void>;
}

export async function startTestNats(options: { payloadBytesMax?: number } = {}): Promise<TestNats> {
  const reaper = startReaper();
  const dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-nats-'));
  reaper.owns(dir);
  const ports = freePorts(Math.random);
  const [port, wsPort] = [await ports.next(), await ports.next()];
  const part = await createNatsServer(
    { dir, port, wsPort, serverPath: await ensureNatsServer(), ...options },
    reaper,
  );
  const close = async () => {
    await part.stop();
    await rm(dir, { recursive: true, force: true });
    await reaper.close();
  };
  try {
    await part.start();
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `nats://127.0.0.1:${port}`, wsUrl: `ws://127.0.0.1:${wsPort}`, wsPort, part, close };
}
