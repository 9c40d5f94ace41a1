// The bus's password is changed while a function runs: refused with the old one, it reads the secret again and goes on.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { toSdkKey } from '../../../core/ids.ts';
import { NatsBus } from '../../../functions/bus/bus.ts';
import { parseBusCredentials } from '../../../functions/bus/credentials.ts';
import { RefreshingSecret } from '../../../functions/settings/refreshing-secret.ts';
import type { Part } from '../../../infra/local/stack/part.ts';
import { freePorts } from '../../../infra/local/stack/ports.ts';
import { startReaper } from '../../../infra/local/stack/reaper-client.ts';
import { systemClock } from '../../../infra/local/tools/clock.ts';
import { ensureNatsServer } from '../../../infra/local/tools/nats-install.ts';
import { createNatsServer } from '../../../infra/local/tools/nats-server.ts';
import { fakeDeps } from '../../support/functions/fakes.ts';

const reaper = startReaper();
const key = toSdkKey('RotatedKey1');
let dir: string;
let nats: Part;
let wsUrl: string;
let plain: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-rotation-'));
  reaper.owns(dir);
  const ports = freePorts(Math.random);
  const [port, wsPort] = [await ports.next(), await ports.next()];
  wsUrl = `ws://127.0.0.1:${wsPort}`;
  nats = await createNatsServer({ dir, port, wsPort, serverPath: await ensureNatsServer() }, reaper);
  plain = await readFile(join(dir, 'nats.conf'), 'utf8');
});
afterAll(async () => {
  await nats.stop();
  await rm(dir, { recursive: true, force: true });
  await reaper.close();
});

async function startWithPassword(password: string): Promise<void> {
  await nats.stop();
  await writeFile(join(dir, 'nats.conf'), `${plain}authorization { user: "u", password: "${password}" }\n`);
  await nats.start();
}

it('a rotated password is taken up at the first connection that is refused', async () => {
  let password = 'old';
  let reads = 0;
  let nowMs = 1_000_000;
  const { log, metrics } = fakeDeps();
  const read = async () => {
    reads++;
    return JSON.stringify({ user: 'u', password });
  };
  const clock = { nowMs: () => nowMs };
  const secret = new RefreshingSecret({ name: 'n', read, parse: parseBusCredentials, clock, log, metrics });
  const bus = new NatsBus({ servers: [wsUrl], replicas: 1 }, systemClock, secret);
  try {
    await startWithPassword('old');
    expect(await bus.ensureStream()).toBe('created');

    await startWithPassword('new');
    bus.reset();
    // The server was told first, the secret not yet: refused, and the store asked no more than its interval allows.
    await expect(bus.readHead(key)).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    expect(reads).toBe(1);

    password = 'new';
    nowMs += 60_000;
    expect(await bus.readHead(key)).toBeNull();
    expect(reads).toBe(2);
  } finally {
    bus.reset();
  }
});
