// `--stage`: the commands work on a deployed stack with nothing in the shell but credentials, by what CloudFormation and the
// functions' variables say.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { NatsBus } from '../../../../functions/bus/bus.ts';
import { announcePatiently } from '../../../../functions/publish/announce-patiently.ts';
import { createBucket } from '../../../../functions/record/bucket.ts';
import { createCdnStandIn } from '../../../../infra/local/optimizely/cdn.ts';
import { systemClock } from '../../../../infra/local/tools/clock.ts';
import { type HttpServer, serveHttp } from '../../../../infra/local/tools/http.ts';
import { startTestNats, type TestNats } from '../../../support/bus/nats.ts';
import { fakeDeps } from '../../../support/functions/fakes.ts';
import { ControlPlane } from '../support/control-plane.ts';
import { type Ended, fanout } from '../support/fanout.ts';
import { Optimizely, TOKEN } from '../support/optimizely.ts';
import { AWS, BUCKET, putRecord, SDK_KEY, startStore } from '../support/record.ts';
import { shopDatafile } from '../support/shop.ts';

const PROJECTS_SECRET = 'datafile-fanout/projects';
const NATS_SECRET = 'datafile-fanout/nats';
const SECRET = 'a-secret-never-to-be-shown';
const PROJECTS = [
  { projectId: '42', secrets: [SECRET], datafiles: [{ sdkKey: SDK_KEY, environment: 'Production' }] },
];

let plane: ControlPlane;
let [store, cdn]: HttpServer[] = [];
let nats: TestNats;

beforeAll(async () => {
  nats = await startTestNats();
  cdn = await serveHttp(createCdnStandIn({ clock: systemClock }), 0);
  await fetch(`${cdn.url}/datafiles/${SDK_KEY}.json`, {
    method: 'PUT',
    body: JSON.stringify(shopDatafile({ revision: 458 })),
  });
});
afterAll(async () => {
  await cdn?.close();
  await nats.close();
});
beforeEach(async () => {
  store = await startStore();
  const manifest = await putRecord(store, [{ revision: 457 }, { revision: 458 }]);
  const bus = new NatsBus({ servers: [nats.wsUrl], replicas: 1 }, systemClock);
  Object.assign(process.env, AWS);
  const record = createBucket({ bucket: BUCKET, endpoint: store.url });
  await announcePatiently({ ...fakeDeps(), clock: systemClock, record, bus }, manifest);
  bus.reset();
  plane = await new ControlPlane().start();
  plane.stacks.set('datafile-fanout-prod', {
    FanoutBucketName: BUCKET,
    WebhookUrl: 'https://hooks.example.com/webhooks/optimizely',
  });
  const shared = {
    FANOUT_ROLE: 'home',
    FANOUT_BUCKET: BUCKET,
    FANOUT_S3_ENDPOINT: store.url,
    FANOUT_NATS_URL: nats.wsUrl,
    FANOUT_NATS_SECRET: NATS_SECRET,
    FANOUT_PROJECTS_SECRET: PROJECTS_SECRET,
    // Never asked: these stand-ins know no SNS.
    FANOUT_TOPIC_ARN: 'arn:aws:sns:us-east-1:000000000000:fanout',
    FANOUT_SNS_ENDPOINT: 'http://127.0.0.1:9',
    FANOUT_CDN_URL_TEMPLATE: `${cdn?.url}/datafiles/%s.json`,
    NODE_OPTIONS: '--enable-source-maps',
  };
  plane.functions.set('datafile-fanout-prod-reconcile', shared);
  plane.functions.set('datafile-fanout-prod-webhook', { ...shared, FANOUT_FETCH_BUDGET: '5s' });
  plane.secrets.set(PROJECTS_SECRET, JSON.stringify(PROJECTS));
  plane.secrets.set(NATS_SECRET, JSON.stringify({ user: 'publisher', password: 'any' }));
  return async () => {
    await plane.stop();
    await store?.close();
  };
});

async function run(line: string, env: Record<string, string> = {}): Promise<Ended> {
  const ended = await fanout(line.split(' '), { ...AWS, ...plane.env, ...env });
  expect(ended.out + ended.err).not.toContain(SECRET);
  return ended;
}

it('doctor finds all of it by name', async () => {
  const { findings } = (await run('doctor --stage prod --json')).json<{
    findings: { check: string; standing: string }[];
  }>();
  expect(Object.fromEntries(findings.map(({ check, standing }) => [check, standing]))).toMatchObject({
    settings: 'ok',
    conditions: 'ok',
    bus: 'ok',
    [`record ${SDK_KEY}`]: 'ok',
    [`cdn ${SDK_KEY}`]: 'ok',
    [`bus ${SDK_KEY}`]: 'ok',
  });
});

it('config check takes the settings of the functions, and a table beside them from a file', async () => {
  expect(await run('config check --stage prod')).toMatchObject({ code: 0 });
  plane.functions.set('datafile-fanout-prod-reconcile', { FANOUT_NATS_URL: 'nats://x' });
  plane.functions.set('datafile-fanout-prod-webhook', {});
  const wrong = await run('config check --stage prod');
  expect(wrong).toMatchObject({ code: 1, out: expect.stringMatching(/FANOUT_NATS_URL .*must be ws:\/\//) });
});

describe('the record', () => {
  it('the record is read from the bucket of the stack, also where the shell names another', async () => {
    const { code, out, err } = await run(`datafile history ${SDK_KEY} --stage prod`, {
      FANOUT_BUCKET: 'of-another-stage',
    });
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('revision 458') });
    expect(err).toContain('Not used, because a deployment was named: FANOUT_BUCKET');
  });

  it('the record is moved, and the bus told with the publisher of the secret', async () => {
    const back = await run(`datafile rollback ${SDK_KEY} 457 --reason x --stage prod --json`);
    expect(back).toMatchObject({ code: 0 });
    expect(back.json()).toMatchObject({ seq: 3, revision: 457, announced: { onBus: true } });
  });

  it('the record is moved without telling the bus where the secret may not be read, and that is said', async () => {
    plane.refusing.add('secrets');
    const back = await run(`datafile rollback ${SDK_KEY} 457 --reason x --stage prod --json`);
    expect(back.code).toBe(1);
    expect(back.json()).toMatchObject({ seq: 3, revision: 457, announced: { onBus: false } });
    expect(back.err).toMatch(
      /Done: .* pinned\. Not done: the bus was not told from here \(.*datafile-fanout\/nats/,
    );
  });

  it('the record is told by a user of the bus of the operator’s own', async () => {
    plane.refusing.add('secrets');
    const own = { FANOUT_NATS_USER: 'operator', FANOUT_NATS_PASSWORD: 'any' };
    const back = await run(`datafile rollback ${SDK_KEY} 457 --reason x --stage prod --json`, own);
    expect(back.json()).toMatchObject({ announced: { onBus: true } });
  });

  it('the record can be read where only the stack may be seen', async () => {
    plane.refusing.add('lambda');
    const { code, err } = await run(`datafile history ${SDK_KEY} --stage prod`, {
      AWS_ENDPOINT_URL_S3: store?.url ?? '',
    });
    expect(code).toBe(0);
    expect(err).toContain('lambda:GetFunctionConfiguration');
  });
});

it('webhook commands know address, project and secret', async () => {
  const optimizely = await new Optimizely().start();
  try {
    const env = { OPTIMIZELY_API_URL: optimizely.url, OPTIMIZELY_API_TOKEN: TOKEN };
    const made = await run('webhook register --stage prod', env);
    expect(made).toMatchObject({ code: 0, out: expect.stringContaining('fanout webhook test --stage prod') });
    expect(optimizely.webhooks).toMatchObject([{ url: 'https://hooks.example.com/webhooks/optimizely' }]);
    const again = await run('webhook register --stage prod', env);
    expect(again.out).toContain('unchanged');
    expect(again.out).not.toContain('Next:');
    expect((await run('webhook list --stage prod', env)).out).toContain('hooks.example.com');
  } finally {
    await optimizely.stop();
  }
});

describe('what is not there', () => {
  it.each([
    ['a stack', 'doctor --stage nosuch', 1, 'There is no stack datafile-fanout-nosuch'],
    ['a stage that is none', 'doctor --stage a/b', 2, 'is not the name of a stage'],
    ['two deployments at once', 'doctor --stage prod --local', 2, 'exclude each other'],
  ])('%s', async (_, line, code, said) => {
    expect(await run(line)).toMatchObject({ code, err: expect.stringContaining(said) });
  });

  it('a secret: the operator is told of their own permissions', async () => {
    plane.refusing.add('secrets');
    const { out, code } = await run('doctor --stage prod');
    expect(code).toBe(1);
    expect(out).toContain('AWS refused the secret datafile-fanout/');
    expect(out).not.toContain("function's role");
  });

  it('credentials: they are the cause, not the secret', async () => {
    const { err, code } = await run('doctor --stage prod', {
      AWS_ACCESS_KEY_ID: '',
      AWS_SECRET_ACCESS_KEY: '',
    });
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('Sign in and choose an account') });
  });
});
