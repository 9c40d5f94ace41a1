// The bus against a real nats-server: compare-and-swap, the stream, and connections that die unnoticed.

import { setTimeout as delay } from 'node:timers/promises';
import { connect, type NatsConnection } from 'nats.ws';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { decodeBeat } from '../../../core/bus/beat.ts';
import { compressBody, encodeEnvelope } from '../../../core/bus/envelope.ts';
import type { Clock } from '../../../core/clock.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { type ChangeId, type Lineage, toSdkKey } from '../../../core/ids.ts';
import { createManifest } from '../../../core/record/manifest.ts';
import { STREAM_NAME } from '../../../core/record/names.ts';
import { NatsBus } from '../../../functions/bus/bus.ts';
import { startTestNats, type TestNats } from '../../support/bus/nats.ts';
import { datafileOf } from '../../support/datafiles.ts';
import { eventually } from '../../support/eventually.ts';
import { startTcpProxy } from '../../support/http/tcp-proxy.ts';

/** Real timers, with a wall clock that a test can push, as a thaw does. */
class ThawingClock implements Clock {
  frozenMs = 0;
  nowMs = () => Date.now() + this.frozenMs;
  after(delayMs: number, run: () => void) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  }
}

let nats: TestNats;
let admin: NatsConnection;
let keys = 0;
beforeAll(async () => {
  nats = await startTestNats();
  admin = await connect({ servers: nats.wsUrl });
});
afterAll(async () => {
  await admin.close();
  await nats.close();
});

const open: NatsBus[] = [];
const clock = new ThawingClock();
function busAt(url = nats.wsUrl): NatsBus {
  const bus = new NatsBus({ servers: [url], replicas: 1 }, clock);
  open.push(bus);
  return bus;
}
afterAll(() => {
  for (const bus of open) bus.reset();
});

const newKey = () => toSdkKey(`Key/+=${++keys}`);
async function envelopeOf(sdkKey: ReturnType<typeof newKey>, seq = 1) {
  const body = datafileOf(seq, { sdkKey });
  const arrival = {
    cause: 'webhook',
    changeId: 'c' as ChangeId,
    receivedAtMs: 1,
    publishedAtMs: 2,
    cdn: { etag: null, lastModifiedMs: null },
  } as const;
  const manifest = createManifest(parseDatafile(body, { sdkKey }), arrival, 'lineage' as Lineage);
  return encodeEnvelope({ ...manifest, seq: seq as typeof manifest.seq }, await compressBody(body), 1e6);
}

async function streamConfig() {
  const jsm = await admin.jetstreamManager({ checkAPI: false });
  return (await jsm.streams.info(STREAM_NAME)).config;
}

describe('the stream', () => {
  it('a missing stream is an error for reader and publisher alike', async () => {
    const sdkKey = newKey();
    await expect(busAt().readHead(sdkKey)).rejects.toMatchObject({ code: 'STREAM_MISSING' });
    const publishing = busAt().publish(sdkKey, await envelopeOf(sdkKey), 0);
    await expect(publishing).rejects.toMatchObject({ code: 'STREAM_MISSING' });
  });

  it('the stream is created as wanted, by one of several at once, and then left alone', async () => {
    const outcomes = await Promise.all([
      busAt().ensureStream(),
      busAt().ensureStream(),
      busAt().ensureStream(),
    ]);
    expect(outcomes).toContain('created');
    expect(await busAt().ensureStream()).toBe('as-wanted');
    expect(await streamConfig()).toMatchObject({
      subjects: ['df.v1.*'],
      max_msgs_per_subject: 1,
      storage: 'file',
      discard: 'old',
      allow_direct: true,
      num_replicas: 1,
    });
  });

  it('the stream is updated when it has other settings', async () => {
    const jsm = await admin.jetstreamManager({ checkAPI: false });
    await jsm.streams.update(STREAM_NAME, { max_msgs_per_subject: 5, max_age: 3_600_000_000_000 });
    expect(await busAt().ensureStream()).toBe('updated');
    expect(await streamConfig()).toMatchObject({ max_msgs_per_subject: 1, max_age: 0 });
    expect(await busAt().ensureStream()).toBe('as-wanted');
  });

  it('keeps its messages over an update', async () => {
    const sdkKey = newKey();
    await busAt().publish(sdkKey, await envelopeOf(sdkKey), 0);
    const jsm = await admin.jetstreamManager({ checkAPI: false });
    await jsm.streams.update(STREAM_NAME, { max_msgs_per_subject: 5 });
    await busAt().ensureStream();
    expect((await busAt().readHead(sdkKey))?.head?.seq).toBe(1);
  });
});

describe('a head', () => {
  it('a head is nothing, then what was published', async () => {
    const [bus, sdkKey] = [busAt(), newKey()];
    expect(await bus.readHead(sdkKey)).toBeNull();
    expect(await bus.publish(sdkKey, await envelopeOf(sdkKey), 0)).toBe('published');
    expect(await bus.readHead(sdkKey)).toMatchObject({ head: { seq: 1, lineage: 'lineage' } });
  });

  it('a head is replaced only by who names its sequence', async () => {
    const [bus, sdkKey] = [busAt(), newKey()];
    await bus.publish(sdkKey, await envelopeOf(sdkKey), 0);
    const first = await bus.readHead(sdkKey);
    expect(await bus.publish(sdkKey, await envelopeOf(sdkKey, 2), 0)).toBe('conflict');
    expect(await bus.publish(sdkKey, await envelopeOf(sdkKey, 2), 9_999)).toBe('conflict');
    const sequence = first?.streamSequence ?? 0;
    expect(await bus.publish(sdkKey, await envelopeOf(sdkKey, 2), sequence)).toBe('published');
    expect((await bus.readHead(sdkKey))?.head?.seq).toBe(2);
  });

  it('a head has one winner of twenty racing publishers', async () => {
    const sdkKey = newKey();
    const envelope = await envelopeOf(sdkKey);
    const race = await Promise.all(Array.from({ length: 20 }, () => busAt().publish(sdkKey, envelope, 0)));
    expect(race.filter((outcome) => outcome === 'published')).toHaveLength(1);
  });

  it("a head is null, with a sequence to replace it, when the message is not the publisher's", async () => {
    const [bus, sdkKey] = [busAt(), newKey()];
    await admin.jetstream().publish(`df.v1.${sdkKey}`, 'hello');
    const found = await bus.readHead(sdkKey);
    expect(found).toMatchObject({ head: null });
    expect(await bus.publish(sdkKey, await envelopeOf(sdkKey), found?.streamSequence ?? 0)).toBe('published');
  });

  it('a head is null, with a sequence to replace it, when the server was made to store that there is nothing', async () => {
    const [bus, sdkKey] = [busAt(), newKey()];
    // A server answers on any subject that the request names.
    const reply = `df.v1.${sdkKey}`;
    admin.publish(`$JS.API.DIRECT.GET.${STREAM_NAME}.df.v1.${newKey()}`, undefined, { reply });
    const found = await eventually('it is stored', async () => (await bus.readHead(sdkKey)) ?? undefined);
    expect(found).toMatchObject({ head: null });
    expect(await bus.publish(sdkKey, await envelopeOf(sdkKey), found.streamSequence)).toBe('published');
    expect(await bus.readHead(sdkKey)).toMatchObject({ head: { seq: 1 } });
  });
});

it('a beat reaches its subscribers', async () => {
  const subscription = admin.subscribe('beat.v1', { max: 1 });
  await admin.flush();
  const sdkKey = newKey();
  const heads = new Map([[sdkKey, { lineage: 'l' as Lineage, seq: 7 as never }]]);
  await busAt().sendBeat({ sentAtMs: 5, heads });
  for await (const message of subscription) expect(decodeBeat(message.data)).toEqual({ sentAtMs: 5, heads });
});

it("the server's max_payload is known", async () => {
  expect(await busAt().payloadBytesMax()).toBe(1024 * 1024);
});

describe('a connection', () => {
  let proxy: Awaited<ReturnType<typeof startTcpProxy>>;
  beforeEach(async () => {
    proxy = await startTcpProxy(nats.wsPort);
    return () => proxy.close();
  });

  it('a connection that went dead while frozen is noticed at the thaw, and replaced', async () => {
    const [bus, sdkKey] = [busAt(`ws://127.0.0.1:${proxy.port}`), newKey()];
    await bus.readHead(sdkKey);
    proxy.freezeOpen();
    clock.frozenMs += 60_000;
    expect(await bus.readHead(sdkKey)).toBeNull();
  });

  it('a connection that was closed by the other side is replaced at the next call', async () => {
    const [bus, sdkKey] = [busAt(`ws://127.0.0.1:${proxy.port}`), newKey()];
    await bus.readHead(sdkKey);
    proxy.cut();
    await eventually('a call that works', async () => (await bus.readHead(sdkKey)) === null);
  });

  it('a connection is shared by calls at the same time, and kept for the next', async () => {
    const [bus, sdkKey] = [busAt(), newKey()];
    const before = await clientIdMax();
    await Promise.all(Array.from({ length: 10 }, () => bus.readHead(sdkKey)));
    await bus.readHead(sdkKey);
    expect((await clientIdMax()) - before).toBe(2);
  });

  it('a connection that cannot be made is an error with an address and a remedy, in time', async () => {
    proxy.freeze();
    const reading = busAt(`ws://127.0.0.1:${proxy.port}`).readHead(newKey());
    await expect(reading).rejects.toMatchObject({
      code: 'BUS_UNAVAILABLE',
      message: expect.stringContaining(`ws://127.0.0.1:${proxy.port}`),
    });
    await expect(busAt('ws://127.0.0.1:1').readHead(newKey())).rejects.toMatchObject({
      code: 'BUS_UNAVAILABLE',
    });
  });

  it('a connection that is reset fails the calls under way, and these open no other connection', async () => {
    const bus = busAt(`ws://127.0.0.1:${proxy.port}`);
    await bus.readHead(newKey());
    const before = await clientIdMax();
    proxy.freezeOpen();
    const reading = bus.readHead(newKey());
    const failed = expect(reading).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    await delay(10);
    bus.reset();
    await failed;
    expect((await clientIdMax()) - before).toBe(1);
  });
});

/** The server numbers its clients: a fresh one shows how many were made before it. */
async function clientIdMax(): Promise<number> {
  const probe = await connect({ servers: nats.wsUrl });
  const id = probe.info?.client_id ?? 0;
  await probe.close();
  return id;
}
