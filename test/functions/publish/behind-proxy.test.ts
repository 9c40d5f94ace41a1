// The functions behind a proxy: record, topic, secrets, bus and CDN are asked there, as they are made by the same parts.

import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { NatsBus } from '../../../functions/bus/bus.ts';
import { createTopic } from '../../../functions/bus/topic.ts';
import { createCdn } from '../../../functions/cdn/cdn.ts';
import { createRecord } from '../../../functions/record/bucket.ts';
import { systemClock } from '../../../infra/local/tools/clock.ts';
import { useProxies } from '../../../io/http/proxy.ts';
import { startHttp, type TestHttp } from '../../agent/support/http.ts';
import { startTestNats, type TestNats } from '../../support/bus/nats.ts';
import { KEY } from '../../support/datafiles.ts';
import { startProxy } from '../../support/http/proxy.ts';

const AWS = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_REGION: 'us-east-1' };
let nats: TestNats;
let door: TestHttp;
beforeAll(async () => {
  Object.assign(process.env, AWS);
  nats = await startTestNats();
  door = await startHttp(() => ({ status: 404, body: '' }));
});
afterAll(async () => {
  await door.close();
  await nats.close();
});

it('reach what is outside by it', async () => {
  const place = `127.0.0.1:${door.port}`;
  const proxy = await startProxy({
    hosts: {
      ...{ 's3.test': place, 'sns.test': place, 'cdn.test': place },
      'nats.test:80': `127.0.0.1:${nats.wsPort}`,
    },
  });
  const { undo } = useProxies({ HTTP_PROXY: proxy.url });
  const bus = new NatsBus({ servers: ['ws://nats.test'], replicas: 1 }, systemClock);
  onTestFinished(async () => {
    bus.reset();
    undo();
    await proxy.close();
  });
  const record = createRecord({ bucket: 'b', endpoint: 'http://s3.test', region: 'us-east-1' });
  expect(await record.readManifest(KEY)).toBeNull();
  const notice = { kind: 'refetch', sdkKey: KEY, changeId: 'c', receivedAtMs: 0 } as never;
  const topic = createTopic({ topicArn: 'arn:aws:sns:us-east-1:1:t', endpoint: 'http://sns.test' });
  await expect(topic.publish(notice)).rejects.toMatchObject({ code: 'TOPIC_UNAVAILABLE' });
  const template = 'http://reader:p@cdn.test/%s.json';
  const cdn = createCdn({ cdn: template, origin: template, auth: template });
  const source = { sdkKey: KEY, environment: 'e' };
  await expect(cdn.fetch(source, 'cdn', null, 2_000)).rejects.toMatchObject({ code: 'CDN_DENIED' });
  expect(await bus.ensureStream()).toBe('created');
  const asked = proxy.asked.map((one) => one.replace(/\?.*$/, ''));
  expect(new Set(asked)).toEqual(
    new Set([
      expect.stringMatching(/^GET http:\/\/s3\.test\/b\/datafiles\//),
      'POST http://sns.test/',
      `GET http://cdn.test/${encodeURIComponent(KEY)}.json`,
      'CONNECT nats.test:80',
    ]),
  );
  const fetched = door.seen.find(({ url }) => url.endsWith('.json') && !url.startsWith('/b/'));
  expect(fetched?.headers.authorization).toBe(`Basic ${Buffer.from('reader:p').toString('base64')}`);
});
