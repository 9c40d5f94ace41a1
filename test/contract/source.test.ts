import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import type { BusEvents } from '../../agent/datafiles/sources/bus.ts';
import { CdnSource } from '../../agent/datafiles/sources/cdn.ts';
import { DiskSource } from '../../agent/datafiles/sources/disk.ts';
import { NatsSource } from '../../agent/datafiles/sources/nats.ts';
import { RecordSource } from '../../agent/datafiles/sources/record.ts';
import { parseDatafile } from '../../core/datafile/datafile.ts';
import { TestPublisher } from '../agent/support/bus.ts';
import { candidateOf, KEY, MemoryRecord, realClock } from '../agent/support/fakes.ts';
import { TestCdn } from '../agent/support/http.ts';
import { startTestNats, type TestNats } from '../support/bus/nats.ts';
import { eventually } from '../support/eventually.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { describeSource } from './source.contract.ts';

const POLL_INTERVAL_MS = 60_000;
const random = () => 0.5;

describeSource({
  name: 's3',
  async create(sink) {
    const record = new MemoryRecord();
    const source = new RecordSource(sink, {
      ...{ reader: record, clock: new ManualClock(), random },
      intervalMs: () => 5_000,
    });
    return {
      source,
      publish: async (body) => void record.publish(KEY, body),
      look: () => source.refreshAll(),
      async spoil(body) {
        const [key] = record.bodies.keys();
        record.bodies.set(key as string, body);
      },
      async breakDown() {
        record.down = true;
      },
      async repair() {
        record.down = false;
      },
      close: () => source.stop(),
    };
  },
});

describeSource({
  name: 'cdn',
  skips: { spoilt: 'the CDN announces nothing beside the body' },
  async create(sink) {
    const cdn = await new TestCdn().start();
    const clock = new ManualClock();
    const source = new CdnSource(sink, {
      ...{ clock, random, pollIntervalMs: POLL_INTERVAL_MS, tokenOf: () => null },
      ...{ urlTemplate: cdn.template, authUrlTemplate: cdn.template },
    });
    return {
      source,
      publish: async (body) => void cdn.bodies.set(KEY, body),
      async look() {
        const { waitingCount } = clock;
        clock.advance(POLL_INTERVAL_MS * 2);
        await eventually('the look is over', () => clock.waitingCount === waitingCount);
      },
      spoil: async () => {},
      async breakDown() {
        cdn.failStatus = 503;
      },
      async repair() {
        cdn.failStatus = null;
      },
      async close() {
        await source.stop();
        await cdn.close();
      },
    };
  },
});

describeSource({
  name: 'disk',
  skips: {
    follows: 'it reads its file once, at the start; it is the agent itself that writes it',
    outage: 'a cache that cannot be read is told of once and never read again',
  },
  async create(sink) {
    const dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-disk-'));
    const source = new DiskSource(sink, { dir, clock: new ManualClock() });
    return {
      source,
      async publish(body) {
        const { revision, sha256 } = parseDatafile(body, { sdkKey: KEY });
        const writer = new DiskSource(sink, { dir, clock: new ManualClock() });
        writer.save({ ...candidateOf(revision), sha256, body });
        await writer.stop();
      },
      look: async () => {},
      async spoil(body) {
        const [name] = await readdir(dir);
        const path = join(dir, name as string);
        const header = (await readFile(path)).toString().split('\n', 1)[0];
        await writeFile(path, `${header}\n${body}`);
      },
      breakDown: () => chmod(dir, 0),
      repair: () => chmod(dir, 0o700),
      async close() {
        await source.stop();
        await rm(dir, { recursive: true, force: true });
      },
    };
  },
});

let nats: TestNats;
beforeAll(async () => {
  nats = await startTestNats();
});
afterAll(() => nats.close());

describeSource({
  name: 'nats',
  async create(sink) {
    const publisher = await TestPublisher.connect(nats.wsUrl);
    await publisher.createStream();
    const record = new MemoryRecord();
    const events: BusEvents = {
      ...{ connected() {}, disconnected() {}, pingsUnanswered() {}, head() {}, beat() {} },
      caughtUp: () => linked(),
    };
    let linked = () => {};
    const up = new Promise<void>((resolve) => {
      linked = resolve;
    });
    const settings = { servers: [nats.wsUrl] };
    const resolveBody = () => Promise.reject(new Error('no message of this suite is a pointer'));
    const source = new NatsSource(sink, { settings, clock: realClock, random, events, resolveBody });
    source.start();
    await up;
    return {
      source,
      publish: async (body) => publisher.announce(record.publish(KEY, body), body),
      look: async () => {},
      spoil: (body) => publisher.announce([...record.manifests.values()][0] as never, body),
      breakDown: () => nats.part.kill('SIGKILL'),
      async repair() {
        await nats.part.start();
        await source.watch(KEY);
      },
      async close() {
        await source.stop();
        if (!nats.part.isRunning) await nats.part.start();
        await publisher.deleteStream();
        await publisher.close();
      },
    };
  },
});
