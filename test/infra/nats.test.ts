// The shipped configurations of nats-server: accepted by it, complete in what they ask of the environment, and in each of the
// three arrangements a bus that carries an announcement from where it is made to where agents are.

import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ensureNatsServer } from '../../infra/local/tools/nats-install.ts';
import { KEY, TestAnnouncer } from '../support/bus/bus-announcer.ts';
import { guestAt } from '../support/bus/bus-attempts.ts';
import {
  type Arrangement,
  makeCerts,
  NATS_DIR,
  PASSWORDS,
  type ShippedNats,
  serverEnv,
  startShippedNats,
  trust,
} from '../support/bus/shipped-nats.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const ARRANGEMENTS: readonly Arrangement[] = ['single', 'cluster', 'supercluster'];
/** bcrypt of `agent-secret`, as `nats server passwd` makes it. */
const AGENT_HASH = '$2a$04$6ltX/Gz8/4w71ry37aW6Q.KU2Gv1XlXAPwqoqCiNHyowO8ToSYnXK';
/** A cluster elects its leaders first. */
const CLUSTER_MS = 60_000;

const check = async (arrangement: Arrangement, env: Record<string, string>): Promise<string> => {
  const { stdout, stderr } = await promisify(execFile)(
    await ensureNatsServer(),
    ['-t', '-c', join(NATS_DIR, `${arrangement}.conf`)],
    { env },
  );
  return stdout + stderr;
};

async function completeEnv(): Promise<Record<string, string>> {
  const dir = await tempDir();
  await makeCerts(dir);
  return serverEnv(dir, {
    NATS_SERVER_NAME: 'home-0',
    NATS_STORE_DIR: join(dir, 'jetstream'),
    NATS_CLUSTER: 'home',
    NATS_ROUTES: '["nats://nats-0.nats:6222", "nats://nats-1.nats:6222"]',
    NATS_HOME_GATEWAYS: '["nats://nats-home.example.com:7222"]',
    NATS_AWAY_GATEWAYS: '["nats://nats-away.example.com:7222"]',
  });
}

async function start(arrangement: Arrangement, passwords = {}): Promise<ShippedNats> {
  const nats = await startShippedNats(arrangement, passwords);
  onTestFinished(() => nats.close());
  await trust(nats.caFile);
  return nats;
}

/** The functions, at this server, with the stream made. */
async function functionsAt(nats: ShippedNats, server: number, replicas: number): Promise<TestAnnouncer> {
  const functions = new TestAnnouncer(urlOf(nats, server), replicas);
  onTestFinished(() => functions.close());
  await eventually('the stream', () => functions.bus.ensureStream(), CLUSTER_MS);
  return functions;
}

const urlOf = ({ servers }: ShippedNats, index: number): string => servers[index]?.wssUrl ?? '';

/** What an agent at this server hears live, by `Df-Seq`. */
async function hearingAt(nats: ShippedNats, server: number) {
  const guest = await guestAt(urlOf(nats, server), 'agent');
  const seqs: string[] = [];
  guest.connection.subscribe(`df.v1.${KEY}`, {
    callback: (_, message) => seqs.push(message.headers?.get('Df-Seq') ?? ''),
  });
  await guest.connection.flush();
  /** As on every reconnect. */
  const lastSeq = async () =>
    (await guest.connection.request(`$JS.API.DIRECT.GET.DATAFILES.df.v1.${KEY}`)).headers?.get('Df-Seq');
  return { seqs, lastSeq };
}

describe('the files', () => {
  it.each(ARRANGEMENTS)('nats-server accepts %s.conf', async (arrangement) => {
    expect(await check(arrangement, await completeEnv())).toMatch(/is valid/);
  });

  it('nats-server refuses to start without a password, rather than with an empty one', async () => {
    const { NATS_AGENT_PASSWORD: _, ...env } = await completeEnv();
    await expect(check('single', env)).rejects.toThrow(/NATS_AGENT_PASSWORD/);
  });

  it('every variable that they read is explained beside them, and no other', async () => {
    const names = (text: string) => [...new Set(text.match(/\bNATS_[A-Z_]+/g))].sort();
    const files = (await readdir(NATS_DIR)).filter((name) => name.endsWith('.conf'));
    const texts = await Promise.all(files.map((name) => readFile(join(NATS_DIR, name), 'utf8')));
    const read = texts.flatMap((text) => [...text.matchAll(/\$(NATS_[A-Z_]+)/g)].map(([, name]) => name));
    expect(names(await readFile(join(NATS_DIR, 'README.md'), 'utf8'))).toEqual([...new Set(read)].sort());
  });

  it('a password may be a bcrypt hash', async () => {
    const nats = await start('single', { NATS_AGENT_PASSWORD: `'${AGENT_HASH}'` });
    const { connection } = await guestAt(urlOf(nats, 0), 'agent', PASSWORDS.agent);
    await connection.flush();
  });
});

describe('one region of three servers', () => {
  it('carries announcements past any one of them, from three copies', async () => {
    const nats = await start('cluster');
    const functions = await functionsAt(nats, 0, 3);
    const agent = await hearingAt(nats, 2);
    await functions.announce(KEY);
    await eventually('the first', () => agent.seqs.join() === '1');

    await nats.servers[1]?.part.kill('SIGKILL');
    // The stream may have lost its leader: reconcile and the bridge would try again too.
    await eventually('the second is announced', () => functions.announce(KEY), CLUSTER_MS);
    const last = String(functions.seqOf(KEY));
    await eventually('the second', () => agent.seqs.includes(last));
    expect(await eventually('its copy', () => agent.lastSeq())).toBe(last);
  });
});

describe('two regions of three servers', () => {
  it('agents away hear what is announced at home, and can ask for it', async () => {
    const nats = await start('supercluster');
    const functions = await functionsAt(nats, 0, 3);
    const agent = await hearingAt(nats, 5);
    await functions.announce(KEY);
    await eventually('the announcement', () => agent.seqs.join() === '1');
    expect(await agent.lastSeq()).toBe('1');
  });

  it('notifications of agents at home reach listeners away', async () => {
    const nats = await start('supercluster');
    const [home, away] = [await guestAt(urlOf(nats, 1), 'agent'), await guestAt(urlOf(nats, 4), 'agent')];
    const heard: string[] = [];
    away.connection.subscribe('note.v1.*', { callback: (_, message) => heard.push(message.string()) });
    await away.connection.flush();
    await eventually('a note', () => {
      home.connection.publish(`note.v1.${KEY}`, 'decided');
      return heard.includes('decided');
    });
  });
});
