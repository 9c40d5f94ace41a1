// The bus as shipped, over TLS with a private authority: the publisher user can do what the functions do, built agents with
// the agent user receive datafiles and share notifications, and no user can do anything else.

import { connect, type NatsConnection } from 'nats.ws';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { toSdkKey } from '../../core/ids.ts';
import { openSse } from '../agent/support/sse.ts';
import { KEY, OTHER_KEY, TestAnnouncer } from '../support/bus/bus-announcer.ts';
import { type BusGuest, guestAt } from '../support/bus/bus-attempts.ts';
import {
  type BusUser,
  PASSWORDS,
  type ShippedNats,
  startShippedNats,
  trust,
} from '../support/bus/shipped-nats.ts';
import { eventually } from '../support/eventually.ts';
import { spawnAgent } from '../support/spawn-agent.ts';

const HEADERS = { 'x-optimizely-sdk-key': KEY };
/** Attempts that must not come true are given this long to. */
const ASIDE_MS = 300;

let nats: ShippedNats;
let url: string;
let functions: TestAnnouncer;
beforeAll(async () => {
  nats = await startShippedNats('single');
  url = nats.servers[0]?.wssUrl ?? '';
  await trust(nats.caFile);
  functions = new TestAnnouncer(url);
  await functions.bus.ensureStream();
});
afterAll(async () => {
  functions.close();
  await nats.close();
});

describe('the publisher', () => {
  it('makes the stream, leaves it alone, and puts it right again', async () => {
    expect(await functions.bus.ensureStream()).toBe('as-wanted');
    const { connection } = await guestAt(url, 'publisher');
    const { config } = (await connection.request('$JS.API.STREAM.INFO.DATAFILES')).json<{ config: object }>();
    const changed = JSON.stringify({ ...config, max_msgs_per_subject: 5 });
    await connection.request('$JS.API.STREAM.UPDATE.DATAFILES', changed);
    expect(await functions.bus.ensureStream()).toBe('updated');
  });

  it('announces as the functions do, and sends beats', async () => {
    expect(await functions.announce(OTHER_KEY)).toBe('published');
    expect(await functions.announceAgain(OTHER_KEY)).toBe('already');
    await functions.beat();
  });

  it.each([
    'publish $JS.API.STREAM.DELETE.DATAFILES',
    'publish $JS.API.STREAM.PURGE.DATAFILES',
    'publish $JS.API.STREAM.CREATE.OTHER',
    'publish note.v1.KEY',
    'publish canary.v1.agent',
    'subscription df.v1.*',
    'subscription _INBOX.agent.>',
    'subscription >',
  ])('the publisher is refused: %s', async (what) => {
    expect(await refusalsOf('publisher', what)).toEqual([what]);
  });
});

describe('built agents with the agent user', () => {
  const agents = () => Promise.all([spawnAgent(env()), spawnAgent(env())]);
  const env = () => ({
    OPTIMIZELY_SDKKEYS: KEY,
    NODE_EXTRA_CA_CERTS: nats.caFile,
    FANOUT_NATS_URL: url,
    FANOUT_NATS_USER: 'agent',
    FANOUT_NATS_PASSWORD: PASSWORDS.agent,
  });

  it('receive datafiles: what was announced before they came, and what is announced live', async () => {
    await functions.announce(KEY);
    const both = await agents();
    for (const agent of both) await agent.serves(functions.seqOf(KEY));
    await functions.announce(KEY);
    for (const agent of both) await agent.serves(functions.seqOf(KEY));
  });

  it('share notifications', async () => {
    await functions.announce(KEY);
    const [here, there] = await agents();
    for (const agent of [here, there]) await agent.serves(functions.seqOf(KEY));
    const stream = await openSse(`${here.api}/v1/notifications/event-stream`, HEADERS);
    const heard = await eventually('a decision of the other agent', async () => {
      // Notes are sent only once the wish for them has arrived.
      await there.decide('someone-else');
      return stream.data.length > 0 && stream.data;
    });
    expect(JSON.parse(heard[0] ?? '')).toMatchObject({ Type: 'flag', UserContext: { ID: 'someone-else' } });
  });

  it('tell the publisher, when a beat asks, what they serve and refuse', async () => {
    await functions.announce(KEY);
    const [here, there] = await agents();
    for (const agent of [here, there]) await agent.serves(functions.seqOf(KEY));
    const stop = await functions.bus.hearAgents();
    const heard = new Set<string>();
    const guest = await guestAt(url, 'publisher');
    guest.connection.subscribe('canary.v1.*', { callback: (_, { subject }) => heard.add(subject) });
    await guest.connection.flush();
    await functions.beat(1);
    await eventually('both answer', () => heard.size === 2);
    // A round trip: what the server had sent us before is here.
    await functions.beat();
    const { reports, error } = stop();
    expect(error).toBeNull();
    const version = { seq: functions.seqOf(KEY), quarantined: null };
    expect(reports.map(({ keys }) => keys.get(KEY))).toMatchObject([version, version]);
  });

  it("go on with their own datafile when an attacker has the server send them another key's", async () => {
    await functions.announce(KEY);
    // Of a higher seq, so that it does not just look old.
    while (functions.seqOf(OTHER_KEY) <= functions.seqOf(KEY)) await functions.announce(OTHER_KEY);
    const agent = await spawnAgent(env());
    await agent.serves(functions.seqOf(KEY));
    const guest = await guestAt(url, 'agent');
    const ask = `$JS.API.DIRECT.GET.DATAFILES.df.v1.${OTHER_KEY}`;
    const seen: string[] = [];
    guest.connection.subscribe(`df.v1.${KEY}`, { callback: (_, { subject }) => seen.push(subject) });
    await guest.refusals((connection) => {
      for (let i = 0; i < 50; i++) connection.publish(ask, undefined, { reply: `df.v1.${KEY}` });
    });
    await eventually('the server has sent them', () => seen.length === 50);
    await agent.serves(functions.seqOf(KEY));
    await functions.announce(KEY);
    await agent.serves(functions.seqOf(KEY));
    // Not taken for news, so that nothing is asked of S3 because of them.
    const noticed = agent.lines.filter((line) =>
      /"candidate\.(rejected|ignored)"|"source":"nats".*"code"/.test(line),
    );
    expect(noticed).toEqual([]);
  });

  it('built agents with the agent user take nothing from a server whose authority they do not know', async () => {
    const agent = await spawnAgent({ ...env(), NODE_EXTRA_CA_CERTS: '' });
    await eventually('it complains', () => agent.lines.some((line) => line.includes('BUS_UNAVAILABLE')));
    expect(agent.lines.join('\n')).not.toContain(PASSWORDS.agent);
  });
});

describe('the agent user', () => {
  let before: unknown;
  beforeEach(async () => {
    await functions.announce(OTHER_KEY);
    await functions.announce(KEY);
    before = await heads();
  });
  const heads = async () => [await functions.bus.readHead(KEY), await functions.bus.readHead(OTHER_KEY)];

  it.each([
    `publish df.v1.${KEY}`,
    'publish beat.v1',
    'publish $JS.API.STREAM.INFO.DATAFILES',
    'publish $JS.API.STREAM.UPDATE.DATAFILES',
    'publish $JS.API.STREAM.DELETE.DATAFILES',
    'publish $JS.API.STREAM.PURGE.DATAFILES',
    'publish $JS.API.STREAM.MSG.DELETE.DATAFILES',
    'publish $JS.API.STREAM.CREATE.OTHER',
    'publish $JS.API.CONSUMER.CREATE.DATAFILES',
    'publish $JS.API.STREAM.NAMES',
    'publish $JS.API.DIRECT.GET.OTHER.df.v1.KEY',
    'publish $SYS.REQ.SERVER.PING',
    'publish _INBOX.publisher.someone.something',
    'publish _INBOX.agent.someone.something',
    'subscription >',
    'subscription *.v1.*',
    'subscription df.>',
    'subscription $SYS.>',
    'subscription $JS.>',
    'subscription $JS.API.DIRECT.GET.DATAFILES.df.v1.*',
    'subscription _INBOX.>',
    'subscription _INBOX.*.*.*',
    'subscription _INBOX.publisher.>',
    'subscription canary.v1.*',
    'subscription _R_.>',
  ])('the agent user is refused: %s', async (what) => {
    expect(await refusalsOf('agent', what)).toEqual([what]);
    expect(await heads()).toEqual(before);
  });

  it.each([
    ['a datafile', KEY, 'EmptyKey'],
    ['the answer that there is none', 'EmptyKey', OTHER_KEY],
  ])(
    'cannot have the server store %s, by naming a key as the place for an answer',
    async (_, asked, place) => {
      const agent = await guestAt(url, 'agent');
      const ask = `$JS.API.DIRECT.GET.DATAFILES.df.v1.${asked}`;
      await agent.refusals((connection) => connection.publish(ask, undefined, { reply: `df.v1.${place}` }));
      await new Promise((resolve) => setTimeout(resolve, ASIDE_MS));
      expect(await heads()).toEqual(before);
      expect(await functions.bus.readHead(toSdkKey('EmptyKey'))).toBeNull();
    },
  );

  it('hears what it is there for', async () => {
    const agent = await guestAt(url, 'agent');
    const refusals = await agent.refusals((connection) => {
      for (const subject of ['df.v1.*', 'beat.v1', 'note.v1.*', 'want.v1']) connection.subscribe(subject);
    });
    expect(refusals).toEqual([]);
  });
});

describe('others', () => {
  it('the monitor sees the servers, and no message', async () => {
    const { connection } = await guestAt(url, 'monitor');
    const pong = (await connection.request('$SYS.REQ.SERVER.PING')).json<{ server: { name: string } }>();
    expect(pong.server.name).toBe('home-0');
    expect(await refusalsOf('monitor', 'subscription >')).toEqual(['subscription >']);
    expect(await refusalsOf('monitor', 'publish $SYS.REQ.SERVER.ID.RELOAD')).toHaveLength(1);
    const heard: string[] = [];
    connection.subscribe('_INBOX.>', { callback: (_, { subject }) => heard.push(subject) });
    await connection.flush();
    await functions.announce(KEY);
    expect(heard).toEqual([]);
  });

  it.each([
    ['a wrong password', { user: 'agent', pass: 'wrong' }],
    ['no name at all', {}],
  ])('a client with %s cannot connect', async (_, who) => {
    await expect(connect({ servers: url, ...who, reconnect: false })).rejects.toMatchObject({
      code: 'AUTHORIZATION_VIOLATION',
    });
  });

  it('a client without TLS cannot connect', async () => {
    const plain = connect({ servers: url.replace('wss:', 'ws:'), reconnect: false, timeout: 2_000 });
    await expect(plain).rejects.toThrow();
  });
});

/** What the server refuses this user: `publish <subject>` or `subscription <subject>` tried once. */
async function refusalsOf(user: BusUser, what: string): Promise<readonly string[]> {
  const guest: BusGuest = await guestAt(url, user);
  const [operation, subject = ''] = what.split(' ');
  return guest.refusals((connection: NatsConnection) => {
    if (operation === 'publish') connection.publish(subject, '{}');
    // A refused subscription tells its callback too.
    else connection.subscribe(subject, { callback: () => {} });
  });
}
