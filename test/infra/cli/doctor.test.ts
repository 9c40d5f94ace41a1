// `fanout doctor` as a process, against a whole deployment of stand-ins and a real bus: first all is well, then one thing
// after the other is not.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Manifest, quarantine } from '../../../core/record/manifest.ts';
import { NatsBus } from '../../../functions/bus/bus.ts';
import { announcePatiently } from '../../../functions/publish/announce-patiently.ts';
import { createBucket } from '../../../functions/record/bucket.ts';
import { createCdnStandIn } from '../../../infra/local/optimizely/cdn.ts';
import { systemClock } from '../../../infra/local/tools/clock.ts';
import { answer, type HttpServer, readBody, serveHttp } from '../../../infra/local/tools/http.ts';
import { startTestNats, type TestNats } from '../../support/bus/nats.ts';
import { fakeDeps } from '../../support/functions/fakes.ts';
import { fanout } from './support/fanout.ts';
import { Optimizely, TOKEN } from './support/optimizely.ts';
import {
  AWS,
  BUCKET,
  putManifest,
  putRecord,
  RECORD_START_MS,
  SDK_KEY,
  startStore,
} from './support/record.ts';
import { type Shop, shopDatafile } from './support/shop.ts';

const TOPIC_ARN = 'arn:aws:sns:us-east-1:000000000000:fanout';
const SECRET = 'a-secret-never-to-be-shown';
const SHOPS: readonly Shop[] = [{ revision: 457 }, { revision: 458 }];

let [store, cdn, topic]: HttpServer[] = [];
let nats: TestNats;
let optimizely: Optimizely;
let manifest: Manifest;

beforeAll(async () => {
  nats = await startTestNats();
  store = await startStore();
  cdn = await serveHttp(createCdnStandIn({ clock: systemClock }), 0);
  topic = await serveHttp(async (request, response) => {
    await readBody(request, 10_000);
    const entry = (key: string, value: string) => `<entry><key>${key}</key><value>${value}</value></entry>`;
    const attributes = entry('SubscriptionsConfirmed', '2') + entry('KmsMasterKeyId', 'alias/aws/sns');
    const result = `<GetTopicAttributesResult><Attributes>${attributes}</Attributes></GetTopicAttributesResult>`;
    answer(
      response,
      200,
      { 'content-type': 'text/xml' },
      `<GetTopicAttributesResponse>${result}</GetTopicAttributesResponse>`,
    );
  }, 0);
  manifest = await putRecord(store, SHOPS);
  await announceToBus();
});
afterAll(async () => {
  for (const server of [store, cdn, topic]) await server?.close();
  await nats.close();
});
beforeEach(async () => {
  optimizely = await new Optimizely().start();
  optimizely.add({ url: 'https://hooks.example.com/webhooks/optimizely' });
  await putOnCdn(458, RECORD_START_MS);
  if (store !== undefined) await putManifest(store, manifest);
  return () => optimizely.stop();
});

/** As the bridge does it. */
async function announceToBus(): Promise<void> {
  const bus = new NatsBus({ servers: [nats.wsUrl], replicas: 1 }, systemClock);
  Object.assign(process.env, AWS);
  const record = createBucket({ bucket: BUCKET, endpoint: store?.url });
  await announcePatiently({ ...fakeDeps(), clock: systemClock, record, bus }, manifest);
  bus.reset();
}

async function headSequence(): Promise<number | undefined> {
  const bus = new NatsBus({ servers: [nats.wsUrl], replicas: 1 }, systemClock);
  const head = await bus.readHead(SDK_KEY);
  bus.reset();
  return head?.streamSequence;
}

async function putOnCdn(revision: number, lastModifiedMs: number): Promise<void> {
  const response = await fetch(`${cdn?.url}/datafiles/${SDK_KEY}.json`, {
    method: 'PUT',
    headers: { 'x-last-modified': new Date(lastModifiedMs).toUTCString() },
    body: JSON.stringify(shopDatafile({ revision })),
  });
  expect(response.status).toBe(204);
}

const settings = () => ({
  ...AWS,
  FANOUT_BUCKET: BUCKET,
  FANOUT_S3_ENDPOINT: store?.url ?? '',
  FANOUT_TOPIC_ARN: TOPIC_ARN,
  FANOUT_SNS_ENDPOINT: topic?.url ?? '',
  FANOUT_NATS_URL: nats.wsUrl,
  FANOUT_CDN_URL_TEMPLATE: `${cdn?.url}/datafiles/%s.json`,
  FANOUT_ORIGIN_URL_TEMPLATE: `${cdn?.url}/origin/datafiles/%s.json`,
  FANOUT_PROJECTS: JSON.stringify([
    { projectId: '42', secrets: [SECRET], datafiles: [{ sdkKey: SDK_KEY, environment: 'Production' }] },
  ]),
  OPTIMIZELY_API_URL: optimizely.url,
  OPTIMIZELY_API_TOKEN: TOKEN,
});

interface Report {
  readonly ok: boolean;
  readonly findings: readonly { check: string; standing: string; detail: string; remedy: string }[];
}

async function doctor(more: Record<string, string> = {}, args: readonly string[] = []) {
  const ended = await fanout(['doctor', '--json', ...args], { ...settings(), ...more });
  expect(ended.out + ended.err).not.toContain(SECRET);
  expect(ended.out + ended.err).not.toContain(TOKEN);
  const report = ended.json<Report>();
  const standings = Object.fromEntries(report.findings.map(({ check, standing }) => [check, standing]));
  const of = (check: string) => report.findings.find((finding) => finding.check === check);
  return { code: ended.code, report, standings, of };
}

describe('a deployment that works', () => {
  it('a deployment that works has every check answered, and none failed', async () => {
    const { code, standings, report } = await doctor();
    expect(standings).toEqual({
      settings: 'ok',
      credentials: 'ok',
      clock: 'ok',
      // The stand-in keeps no versions and knows no public access.
      bucket: 'warn',
      conditions: 'ok',
      topic: 'ok',
      bus: 'ok',
      'record ShopKey': 'ok',
      'cdn ShopKey': 'ok',
      'bus ShopKey': 'ok',
      'webhook 42': 'ok',
    });
    expect(code).toBe(0);
    expect(report.ok).toBe(true);
  });

  it('a deployment that works is a list with remedies for people', async () => {
    const { out, code } = await fanout(['doctor'], settings());
    expect(code).toBe(0);
    expect(out).toMatch(/^ok {4}record ShopKey +revision 458 \(seq 2\) since 2026-01-31T12:01:00\.000Z$/m);
    expect(out).toMatch(/^warn {2}bucket .*\n {9}→ Deploy the shipped template/m);
    expect(out.trimEnd().split('\n').at(-1)).toBe('10 ok, 1 warn, 0 fail, 0 skipped');
  });
});

describe('publishing', () => {
  it('publishing is tried when asked for, and leaves the bus as it was', async () => {
    const before = await headSequence();
    const { code, of } = await doctor({}, ['--probe']);
    expect(of('publish ShopKey')).toMatchObject({ standing: 'ok' });
    expect(code).toBe(0);
    expect(await headSequence()).toBe(before);
  });
});

describe('what is wrong is found, with its remedy', () => {
  it.each<[string, () => Record<string, string>, string, string, RegExp]>([
    ['no settings', () => ({ FANOUT_NATS_URL: '' }), 'settings', 'fail', /--stage NAME/],
    ['another bucket', () => ({ FANOUT_BUCKET: 'other' }), 'bucket', 'fail', /FANOUT_BUCKET/],
    ['no bus', () => ({ FANOUT_NATS_URL: 'ws://127.0.0.1:9' }), 'bus', 'fail', /FANOUT_NATS_URL/],
    ['no topic', () => ({ FANOUT_TOPIC_ARN: '' }), 'topic', 'skipped', /receiver/],
    ['no token', () => ({ OPTIMIZELY_API_TOKEN: '' }), 'webhook 42', 'skipped', /personal access token/],
    ['a wrong token', () => ({ OPTIMIZELY_API_TOKEN: 'wrong' }), 'webhook 42', 'fail', /make a new one/],
    [
      'no credentials',
      () => ({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' }),
      'credentials',
      'fail',
      /AWS_PROFILE/,
    ],
  ])('%s', async (_, env, check, standing, remedy) => {
    const { code, of } = await doctor(env());
    expect(of(check)).toMatchObject({ standing, remedy: expect.stringMatching(remedy) });
    expect(code).toBe(standing === 'fail' ? 1 : 0);
  });

  it('no settings at all: the same ones are missing as config check says', async () => {
    const missing = (text: string) => [...new Set(text.match(/FANOUT_\w+ is missing/g))].sort();
    const [looked, checked] = await Promise.all([fanout(['doctor']), fanout(['config', 'check'])]);
    expect(missing(looked.out)).toHaveLength(4);
    expect(missing(looked.out)).toEqual(missing(checked.out));
  });

  it('a record that is behind the CDN since a moment ago', async () => {
    await putOnCdn(459, Date.now());
    const { of } = await doctor();
    expect(of('cdn ShopKey')).toMatchObject({
      standing: 'warn',
      detail: 'serves revision 459, the record has 458',
    });
  });

  it('a webhook that is not registered', async () => {
    optimizely.webhooks.length = 0;
    const { code, of } = await doctor();
    expect(of('webhook 42')).toMatchObject({
      standing: 'fail',
      remedy: expect.stringContaining('fanout webhook register'),
    });
    expect(code).toBe(1);
  });

  it('a change that is on the CDN but not in the record', async () => {
    await putOnCdn(459, RECORD_START_MS);
    const { of } = await doctor();
    expect(of('cdn ShopKey')).toMatchObject({
      standing: 'fail',
      detail: 'serves revision 459, the record has 458',
    });
  });

  it('a record that has a later revision than Optimizely serves, with the commands that heal it', async () => {
    await putOnCdn(76, RECORD_START_MS);
    const { code, of } = await doctor();
    expect(of('cdn ShopKey')).toMatchObject({
      standing: 'fail',
      detail: expect.stringMatching(/^serves revision 76, the record has had 458 since 20/),
      remedy: expect.stringContaining('fanout datafile rollback ShopKey 76'),
    });
    expect(code).toBe(1);
  });

  it('a record that the bus does not have', async () => {
    if (store !== undefined) await putRecord(store, [...SHOPS, { revision: 459 }]);
    const { of } = await doctor();
    expect(of('bus ShopKey')).toMatchObject({ standing: 'fail', detail: 'has seq 2, the record 3' });
  });

  it('parts that are not served', async () => {
    if (store !== undefined) await putRecord(store, [...SHOPS, { revision: 459, isStale: true }]);
    const { of } = await doctor();
    expect(of('record ShopKey')).toMatchObject({
      standing: 'warn',
      detail: expect.stringContaining(
        'without 1 of its parts: experiment "gone" is not in the datafile (flag "checkout")',
      ),
    });
  });

  it('a version that agents refuse', async () => {
    const why = { share: 1, agents: 3, code: 'DATAFILE_UNDECIDABLE', atMs: RECORD_START_MS };
    if (store !== undefined) await putManifest(store, quarantine(manifest, why));
    const { of } = await doctor();
    expect(of('record ShopKey')).toMatchObject({
      standing: 'fail',
      detail: expect.stringContaining('agents refuse (DATAFILE_UNDECIDABLE)'),
    });
  });
});
