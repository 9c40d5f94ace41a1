// The agent's link against real servers that refuse it: what it says of why, how long it waits, and that new credentials
// lead back without a restart.

import { readFileSync } from 'node:fs';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  BusLink,
  type BusLinkOptions,
  CREDENTIALS_LOOK_MS,
} from '../../../../agent/datafiles/sources/bus-link.ts';
import type { BusCause } from '../../../../core/bus/cause.ts';
import type { Part } from '../../../../infra/local/stack/part.ts';
import { freePorts } from '../../../../infra/local/stack/ports.ts';
import { startReaper } from '../../../../infra/local/stack/reaper-client.ts';
import { ensureNatsServer } from '../../../../infra/local/tools/nats-install.ts';
import { createNatsServer } from '../../../../infra/local/tools/nats-server.ts';
import { createNatsOperator, type NatsOperator } from '../../../support/bus/nats-jwt.ts';
import { eventually } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { realClock } from '../../support/fakes.ts';

const TLS = join(import.meta.dirname, '../../../fixtures/tls');
const reaper = startReaper();
let dir: string;
let nats: Part;
let wsUrl: string;
let port: number;
let operator: NatsOperator;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fanout-bus-link-'));
  reaper.owns(dir);
  const ports = freePorts(Math.random);
  port = await ports.next();
  const wsPort = await ports.next();
  wsUrl = `ws://127.0.0.1:${wsPort}`;
  nats = await createNatsServer({ dir, port, wsPort, serverPath: await ensureNatsServer() }, reaper);
  operator = createNatsOperator();
});
afterAll(async () => {
  await nats.stop();
  await rm(dir, { recursive: true, force: true });
  await reaper.close();
});

/** Without JetStream, which operator mode would want a system account for. */
async function serve(auth: string): Promise<void> {
  await nats.stop();
  const webSocket = `websocket { host: "127.0.0.1", port: ${new URL(wsUrl).port}, no_tls: true }`;
  await writeFile(join(dir, 'nats.conf'), `listen: "127.0.0.1:${port}"\n${webSocket}\n${auth}\n`);
  await nats.start();
}
const passwordIs = (password: string) => serve(`authorization { user: "u", password: "${password}" }`);

/** Written beside and put into place, as Kubernetes does it. */
async function put(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
  return path;
}

function startLink(settings: BusLinkOptions['settings'], clock: BusLinkOptions['clock'] = realClock) {
  const log: string[] = [];
  const causes: BusCause[] = [];
  const link = new BusLink(
    { settings, clock, random: () => 0 },
    {
      up: () => log.push('up'),
      down: () => log.push('down'),
      stale: () => log.push('stale'),
      failed: (cause) => causes.push(cause),
    },
  );
  onTestFinished(() => link.stop());
  link.start();
  const ups = (count: number) =>
    eventually(`it is up ${count} times`, () => log.filter((one) => one === 'up').length === count);
  const told = (kind: string) => eventually(kind, () => causes.find((cause) => cause.kind === kind));
  return { link, log, causes, ups, told };
}

describe('credentials', () => {
  it('credentials that have expired are replaced by what their file holds then', async () => {
    await serve(operator.config);
    const path = await put('agent.creds', operator.creds(2));
    const settings = { servers: [wsUrl], creds: readFileSync(path, 'utf8'), files: { creds: path } };
    const { log, causes, ups, told, link } = startLink(settings);
    await ups(1);
    const cause = await told('credentials-refused');
    expect(cause.says).toContain('expired');
    expect(log).toEqual(['up', 'down']);
    expect(link.cause).toEqual(causes.at(-1));
    await put('agent.creds', operator.creds().replaceAll('\n', '\r\n'));
    await ups(2);
    expect(link.cause).toBeNull();
  });

  it('as text from a form, without its last line end, are good', async () => {
    await serve(operator.config);
    const path = await put('pasted.creds', operator.creds().trim().replaceAll('\n', '\\n'));
    const { ups } = startLink({ servers: [wsUrl], creds: 'as at the start', files: { creds: path } });
    await ups(1);
  });

  it('credentials that are refused are tried more and more rarely, and said once', async () => {
    await passwordIs('right');
    const clock = new ManualClock();
    const { causes, told, link } = startLink({ servers: [wsUrl], user: 'u', password: 'wrong' }, clock);
    const pauses: number[] = [];
    await told('credentials-refused');
    for (let i = 0; i < 7; i++) {
      const startMs = clock.nowMs();
      await eventually('it waits', () => clock.waitingCount > 0);
      while (clock.waitingCount > 0) clock.advance(250);
      pauses.push(clock.nowMs() - startMs);
      await eventually('it has tried', () => clock.waitingCount > 0);
    }
    expect(pauses).toEqual([750, 1_500, 3_000, 6_000, 12_000, 22_500, 22_500]);
    expect(causes.map(({ says }) => says)).toEqual([
      'the server refuses these credentials (authorization violation)',
    ]);
    expect(link.cause).not.toBeNull();
  });

  it('in a file are looked at while the refused ones wait: new ones are tried at once', async () => {
    await passwordIs('new');
    const clock = new ManualClock();
    const path = await put('password', 'old\n');
    const settings = { servers: [wsUrl], user: 'u', password: 'old', files: { password: path } };
    const { log, causes, told } = startLink(settings, clock);
    await told('credentials-refused');
    // As far as the longest pause.
    for (let i = 0; i < 8; i++) {
      while (clock.waitingCount > 0) clock.advance(1_000);
      await eventually('it has tried or looked', () => clock.waitingCount > 0);
    }
    await put('password', 'new\n');
    clock.advance(CREDENTIALS_LOOK_MS);
    await eventually('it is up', () => log.includes('up'));
    expect(causes).toHaveLength(1);
  });
});

describe('the cause of a failure', () => {
  const closers: (() => void)[] = [];
  beforeEach(() => {
    onTestFinished(() => {
      for (const close of closers.splice(0)) close();
    });
  });
  async function listening(server: http.Server): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const refuses = (_: http.IncomingMessage, response: http.ServerResponse) => response.writeHead(404).end();
  const tls = () => ({ key: readFileSync(join(TLS, 'key.pem')), cert: readFileSync(join(TLS, 'cert.pem')) });

  it.each([
    [
      'nothing listens',
      async () => `ws://127.0.0.1:${await freePorts(Math.random).next()}`,
      'connection refused',
    ],
    ['the name is not known', async () => 'ws://nats.invalid:8080', 'its name is not known'],
    [
      'an HTTP server is there',
      async () => `ws://${await listening(http.createServer(refuses))}`,
      'answers HTTP 404',
    ],
    [
      'a plain server is at a wss URL',
      async () => `wss://${await listening(http.createServer(refuses))}`,
      'TLS fails',
    ],
    [
      'a TLS server is at a ws URL',
      async () => `ws://${await listening(https.createServer(tls(), refuses))}`,
      'wss://',
    ],
    [
      'its certificate is of no trusted authority',
      async () => `wss://${await listening(https.createServer(tls(), refuses))}`,
      'not trusted (DEPTH_ZERO_SELF_SIGNED_CERT): name its authority in SSL_CERT_FILE',
    ],
    ["NATS' own protocol is there", async () => `ws://127.0.0.1:${port}`, 'does not speak HTTP'],
  ])('the cause of a failure is told when %s', async (_, place, says) => {
    await passwordIs('p');
    const { causes } = startLink({ servers: [await place()], user: 'u', password: 'p' });
    const [first] = await eventually('a cause', () => (causes.length > 0 ? causes : undefined));
    expect(first?.says).toContain(says);
  });
});
