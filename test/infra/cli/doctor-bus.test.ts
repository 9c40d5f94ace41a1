// `fanout doctor --probe` against the bus as it is shipped: TLS of a private authority, and users who may do different things.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { NatsBus } from '../../../functions/bus/bus.ts';
import { announcePatiently } from '../../../functions/publish/announce-patiently.ts';
import { createBucket } from '../../../functions/record/bucket.ts';
import { systemClock } from '../../../infra/local/tools/clock.ts';
import type { HttpServer } from '../../../infra/local/tools/http.ts';
import { PASSWORDS, type ShippedNats, startShippedNats, trust } from '../../support/bus/shipped-nats.ts';
import { fakeDeps } from '../../support/functions/fakes.ts';
import { fanout } from './support/fanout.ts';
import { AWS, BUCKET, putRecord, SDK_KEY, startStore } from './support/record.ts';

let store: HttpServer;
let nats: ShippedNats;
const wssUrl = (): string => nats.servers[0]?.wssUrl ?? '';

beforeAll(async () => {
  Object.assign(process.env, AWS);
  [store, nats] = await Promise.all([startStore(), startShippedNats('single')]);
  const manifest = await putRecord(store, [{ revision: 1 }]);
  await trust(nats.caFile);
  const user = { user: 'publisher', password: PASSWORDS.publisher };
  const bus = new NatsBus({ servers: [wssUrl()], replicas: 1, ...user }, systemClock);
  const record = createBucket({ bucket: BUCKET, endpoint: store.url });
  await announcePatiently({ ...fakeDeps(), clock: systemClock, record, bus }, manifest);
  bus.reset();
});
afterAll(async () => {
  await store.close();
  await nats.close();
});

async function findingsAs(user: string, password: string, more: Record<string, string> = {}) {
  const datafiles = [{ sdkKey: SDK_KEY, environment: 'Production' }];
  const ended = await fanout(['doctor', '--probe', '--json'], {
    ...AWS,
    FANOUT_BUCKET: BUCKET,
    FANOUT_S3_ENDPOINT: store.url,
    FANOUT_CDN_URL_TEMPLATE: 'http://127.0.0.1:9/%s.json',
    FANOUT_ORIGIN_URL_TEMPLATE: 'http://127.0.0.1:9/%s.json',
    FANOUT_PROJECTS: JSON.stringify([{ projectId: '42', secrets: ['s'], datafiles }]),
    FANOUT_NATS_URL: wssUrl(),
    FANOUT_NATS_USER: user,
    FANOUT_NATS_PASSWORD: password,
    NODE_EXTRA_CA_CERTS: nats.caFile,
    ...more,
  });
  expect(ended.out + ended.err).not.toContain(password);
  const { findings } = ended.json<{ findings: { check: string; standing: string; remedy: string }[] }>();
  return (check: string) => findings.find((finding) => finding.check === check);
}

it('the publisher may do what the functions must', async () => {
  const of = await findingsAs('publisher', PASSWORDS.publisher);
  for (const check of ['bus', `bus ${SDK_KEY}`, `publish ${SDK_KEY}`])
    expect(of(check)).toMatchObject({ standing: 'ok' });
});

it("the agent's user is found not to be enough", async () => {
  const of = await findingsAs('agent', PASSWORDS.agent);
  expect(of('bus')).toMatchObject({ standing: 'ok' });
  expect(of(`publish ${SDK_KEY}`)).toMatchObject({ standing: 'fail' });
});

it('a wrong password is told from a server that is away', async () => {
  const of = await findingsAs('publisher', 'wrong-password');
  expect(of('bus')).toMatchObject({ standing: 'fail', remedy: expect.stringContaining('publisher user') });
});

it('doctor says how to trust a certificate of an unknown authority', async () => {
  const of = await findingsAs('publisher', PASSWORDS.publisher, { NODE_EXTRA_CA_CERTS: '' });
  expect(of('bus')).toMatchObject({
    standing: 'fail',
    remedy: expect.stringContaining('NODE_EXTRA_CA_CERTS'),
  });
});
