// The bus as infra/nats/ ships it: the very files, with free ports in place of theirs (one machine, many servers), and
// certificates of a private authority made by the shipped script.

import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { Part } from '../../../infra/local/stack/part.ts';
import { freePorts } from '../../../infra/local/stack/ports.ts';
import { type Reaper, startReaper } from '../../../infra/local/stack/reaper-client.ts';
import { ensureNatsServer } from '../../../infra/local/tools/nats-install.ts';

export const NATS_DIR = join(import.meta.dirname, '../../../infra/nats');
export const PASSWORDS = { publisher: 'publisher-secret', agent: 'agent-secret', monitor: 'monitor-secret' };
export type BusUser = keyof typeof PASSWORDS;

export type Arrangement = 'single' | 'cluster' | 'supercluster';

export interface ShippedServer {
  /** For agents and functions. */
  readonly wssUrl: string;
  readonly part: Part;
}

export interface ShippedNats {
  readonly servers: readonly ShippedServer[];
  /** What NODE_EXTRA_CA_CERTS must name. */
  readonly caFile: string;
  close(): Promise<void>;
}

interface Ports {
  readonly client: number;
  readonly http: number;
  readonly wss: number;
  readonly route: number;
  readonly gateway: number;
}

/** The ports as shipped, and what stands for each here. */
const placesOf = (ports: Ports): readonly (readonly [string, string])[] => [
  ['listen: "127.0.0.1:4222"', `listen: "127.0.0.1:${ports.client}"`],
  ['http: "127.0.0.1:8222"', `http: "127.0.0.1:${ports.http}"`],
  ['port: 8443', `port: ${ports.wss}`],
  ['listen: "0.0.0.0:6222"', `listen: "127.0.0.1:${ports.route}"`],
  ['listen: "0.0.0.0:7222"', `listen: "127.0.0.1:${ports.gateway}"`],
];

/** Certificates for this machine's loopback in `dir`. */
export async function makeCerts(dir: string): Promise<void> {
  await promisify(execFile)(join(NATS_DIR, 'make-certs.sh'), [dir, 'localhost', '127.0.0.1']);
}

/** What every server needs in its environment. @param more other values, as an operator would set them */
export const serverEnv = (certs: string, more: Readonly<Record<string, string>>): Record<string, string> => ({
  PATH: process.env.PATH ?? '',
  NATS_TLS_CERT: join(certs, 'tls.crt'),
  NATS_TLS_KEY: join(certs, 'tls.key'),
  NATS_PEER_CERT: join(certs, 'tls.crt'),
  NATS_PEER_KEY: join(certs, 'tls.key'),
  NATS_PEER_CA: join(certs, 'ca.crt'),
  NATS_PUBLISHER_PASSWORD: PASSWORDS.publisher,
  NATS_AGENT_PASSWORD: PASSWORDS.agent,
  NATS_MONITOR_PASSWORD: PASSWORDS.monitor,
  ...more,
});

async function copyConfig(dir: string, ports: Ports): Promise<void> {
  await cp(NATS_DIR, dir, { recursive: true });
  for (const file of (await readdir(dir)).filter((name) => name.endsWith('.conf'))) {
    let text = await readFile(join(dir, file), 'utf8');
    for (const [shipped, here] of placesOf(ports)) text = text.replace(shipped, here);
    await writeFile(join(dir, file), text);
  }
}

interface Planned {
  readonly dir: string;
  readonly ports: Ports;
  readonly name: string;
  readonly region: 'home' | 'away';
}

const list = (scheme: string, ports: readonly number[]) =>
  JSON.stringify(ports.map((port) => `${scheme}://127.0.0.1:${port}`));

/** Starts every server of it: one, three, or two regions of three, `home` first. */
export async function startShippedNats(
  arrangement: Arrangement,
  passwords: Readonly<Record<string, string>> = {},
): Promise<ShippedNats> {
  const reaper = startReaper();
  const root = await mkdtemp(join(tmpdir(), 'datafile-fanout-bus-'));
  reaper.owns(root);
  const certs = join(root, 'certs');
  await makeCerts(certs);
  const plans = await plan(arrangement, root);
  const servers = await Promise.all(
    plans.map((own) => createServer(arrangement, own, plans, certs, passwords, reaper)),
  );
  const close = async () => {
    await Promise.all(servers.map(({ part }) => part.stop()));
    await rm(root, { recursive: true, force: true });
    await reaper.close();
  };
  try {
    // Side by side: a cluster is ready only when its servers have found each other.
    await Promise.all(servers.map(({ part }) => part.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return { servers, caFile: join(certs, 'ca.crt'), close };
}

async function plan(arrangement: Arrangement, root: string): Promise<Planned[]> {
  const free = freePorts(Math.random);
  const count = { single: 1, cluster: 3, supercluster: 6 }[arrangement];
  const plans: Planned[] = [];
  for (let i = 0; i < count; i++) {
    const ports = {
      client: await free.next(),
      http: await free.next(),
      wss: await free.next(),
      route: await free.next(),
      gateway: await free.next(),
    };
    const region = i < 3 ? 'home' : 'away';
    plans.push({ dir: join(root, `server-${i}`), ports, name: `${region}-${i % 3}`, region });
  }
  return plans;
}

async function createServer(
  arrangement: Arrangement,
  own: Planned,
  all: readonly Planned[],
  certs: string,
  passwords: Readonly<Record<string, string>>,
  reaper: Reaper,
): Promise<ShippedServer> {
  await copyConfig(own.dir, own.ports);
  const gatewaysOf = (region: string) =>
    list(
      'nats',
      all.filter((one) => one.region === region).map(({ ports }) => ports.gateway),
    );
  const env = serverEnv(certs, {
    NATS_SERVER_NAME: own.name,
    NATS_STORE_DIR: join(own.dir, 'jetstream'),
    NATS_CLUSTER: own.region,
    NATS_ROUTES: list(
      'nats',
      all.filter(({ region }) => region === own.region).map(({ ports }) => ports.route),
    ),
    NATS_HOME_GATEWAYS: gatewaysOf('home'),
    NATS_AWAY_GATEWAYS: gatewaysOf('away'),
    ...passwords,
  });
  const args = ['--config', join(own.dir, `${arrangement}.conf`)];
  const command = await ensureNatsServer();
  const part = new Part(
    { name: own.name, command, args, env, readiness: () => isHealthy(own.ports.http) },
    reaper,
  );
  return { wssUrl: `wss://localhost:${own.ports.wss}`, part };
}

/** As an operator's probe would ask: JetStream has found its peers and a leader. */
const isHealthy = (httpPort: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${httpPort}/healthz`).then(
    ({ ok }) => ok,
    () => false, // Not listening yet.
  );

/** Makes this process trust the private authority, as NODE_EXTRA_CA_CERTS does for one that starts. */
export async function trust(caFile: string): Promise<void> {
  setDefaultCACertificates([...getCACertificates('default'), await readFile(caFile, 'utf8')]);
}
