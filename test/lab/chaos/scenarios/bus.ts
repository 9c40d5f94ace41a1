// The bus as it is shipped: a member of a cluster of three is lost, a certificate expires, a user is revoked; and two
// hundred subscribers come back at once.

import { execFile } from 'node:child_process';
import { copyFile, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { STREAM_NAME } from '../../../../core/record/names.ts';
import type { ShippedNats, ShippedServer } from '../../../support/bus/shipped-nats.ts';
import { RULES } from '../rules.ts';
import { agentSays, LEFT_THE_BUS, type Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

const FAULT_MS = 4_000;
/** Longer than agents may be behind: an agent that does not fall back to S3 is found. */
const LEFT_MS = 11_000;
const QUORUM_LOST_MS = 17_000;

const busOf = ({ bus }: Stage): ShippedNats => {
  if (bus === undefined) throw new Error('this stage has no bus of its own');
  return bus;
};

/** Folder of a server's configuration. */
const dirOf = (bus: ShippedNats, index: number): string => join(dirname(bus.caFile), '..', `server-${index}`);

/** Which server leads the stream, by what the first one that answers says. */
async function membersOf(bus: ShippedNats): Promise<{ leader: ShippedServer; follower: ShippedServer }> {
  for (const index of bus.servers.keys()) {
    const config = await readFile(join(dirOf(bus, index), 'common.conf'), 'utf8');
    const port = /http: "127\.0\.0\.1:(\d+)"/.exec(config)?.[1];
    const response = await fetch(`http://127.0.0.1:${port}/jsz?streams=true`);
    const text = await response.text();
    const name = new RegExp(`"name":\\s*"${STREAM_NAME}"[^]*?"leader":\\s*"([^"]+)"`).exec(text)?.[1];
    const leader = bus.servers.find(({ part }) => part.name === name);
    const follower = bus.servers.find(({ part }) => part.name !== name);
    if (leader !== undefined && follower !== undefined) return { leader, follower };
  }
  throw new Error('no server says who leads the stream');
}

const member = (role: 'leader' | 'follower', act: 'kill' | 'freeze', what: string): Scenario => ({
  name: `${act}-cluster-${role}`,
  what,
  stage: 'cluster',
  faultMs: FAULT_MS,
  rule: act === 'kill' ? RULES.bus : RULES.halfOpen,
  begin: async (stage) => {
    const { part } = (await membersOf(busOf(stage)))[role];
    await part.kill(act === 'kill' ? 'SIGKILL' : 'SIGSTOP');
    return () => (act === 'kill' ? part.start() : part.kill('SIGCONT'));
  },
});

/** Signs the server's key anew, valid until yesterday. */
async function expire(certs: string): Promise<void> {
  const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', [...args], { cwd: certs });
  await openssl('req', '-new', '-key', 'tls.key', '-subj', '/CN=localhost', '-out', 'expired.csr');
  await writeFile(join(certs, 'expired.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'expired.ext'];
  await openssl('x509', '-req', '-in', 'expired.csr', ...authority, '-days', '-1', '-out', 'expired.crt');
}

async function restart({ servers }: ShippedNats): Promise<void> {
  for (const { part } of servers) {
    await part.kill('SIGKILL');
    await part.start();
  }
}

export const bus: readonly Scenario[] = [
  member('follower', 'kill', 'a member of the cluster is killed'),
  member('leader', 'kill', 'the member that leads the stream is killed: another takes over'),
  member('leader', 'freeze', 'the member that leads the stream stands still: another takes over'),
  {
    name: 'kill-cluster-majority',
    what: 'two members of three are killed: the third stores nothing, but subscribers hear what it cannot store',
    stage: 'cluster',
    faultMs: QUORUM_LOST_MS,
    rule: RULES.reconcile,
    staleRule: RULES.beat,
    trace: {
      of: ({ stack }) => stack.parts.webhook,
      says: (line) => line.includes('"event":"change.announce-failed"'),
    },
    begin: async (stage) => {
      const dead = busOf(stage).servers.slice(0, 2);
      await Promise.all(dead.map(({ part }) => part.kill('SIGKILL')));
      return async () => {
        await Promise.all(dead.map(({ part }) => part.start()));
      };
    },
  },
  {
    name: 'expired-certificate',
    what: 'the bus comes back with a certificate that has expired: agents do not trust it and follow through S3',
    stage: 'secure',
    faultMs: LEFT_MS,
    rule: RULES.bus,
    staleRule: RULES.left,
    trace: agentSays(0, LEFT_THE_BUS),
    begin: async (stage) => {
      const certs = dirname(busOf(stage).caFile);
      await expire(certs);
      await copyFile(join(certs, 'tls.crt'), join(certs, 'good.crt'));
      await copyFile(join(certs, 'expired.crt'), join(certs, 'tls.crt'));
      await restart(busOf(stage));
      return async () => {
        await rename(join(certs, 'good.crt'), join(certs, 'tls.crt'));
        await restart(busOf(stage));
      };
    },
  },
  {
    name: 'revoked-user',
    what: "the bus no longer knows the agents' user: they follow through S3, and come back when it does",
    stage: 'secure',
    faultMs: LEFT_MS,
    rule: RULES.bus,
    staleRule: RULES.left,
    trace: agentSays(0, LEFT_THE_BUS),
    begin: async (stage) => {
      const { servers } = busOf(stage);
      const file = join(dirOf(busOf(stage), 0), 'users.conf');
      const text = await readFile(file, 'utf8');
      const reload = () => servers[0]?.part.kill('SIGHUP');
      await writeFile(file, text.replace('user: agent\n', 'user: another-user\n'));
      await reload();
      return async () => {
        await writeFile(file, text);
        await reload();
      };
    },
  },
  {
    name: 'restart-storm',
    what: 'nats-server is killed under two hundred subscribers: all connect again at once and catch up',
    stage: 'storm',
    faultMs: 2_000,
    // Subscribers have no S3 to follow: what was not announced meanwhile, reconcile announces.
    rule: RULES.reconcile,
    begin: async ({ stack }) => {
      await stack.parts.nats.kill('SIGKILL');
      return () => stack.parts.nats.start();
    },
  },
];
