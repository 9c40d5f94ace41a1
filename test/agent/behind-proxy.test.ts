// An agent process whose network allows only a proxy: the agent sends every request through it.

import { expect, it, onTestFinished } from 'vitest';
import { runAgent } from '../support/agent-process.ts';
import { startTestNats } from '../support/bus/nats.ts';
import { eventually } from '../support/eventually.ts';
import { startProxy } from '../support/http/proxy.ts';
import { datafileBody, KEY } from './support/fakes.ts';
import { startHttp } from './support/http.ts';

it('reaches CDN, S3, bus, events, profiles and issuer by the proxy of its environment', async () => {
  const nats = await startTestNats();
  // One server is both the CDN and S3; as S3 it has no objects.
  const door = await startHttp(({ url }) =>
    url === `/${KEY}.json` ? { status: 200, body: datafileBody(1) } : { status: 404, body: '{}' },
  );
  const place = `127.0.0.1:${door.port}`;
  const names = ['cdn.test', 's3.test', 'events.test', 'profiles.test', 'issuer.test'];
  const hosts = Object.fromEntries(names.map((name) => [name, place]));
  const proxy = await startProxy({ hosts: { ...hosts, 'nats.test:80': `127.0.0.1:${nats.wsPort}` } });
  onTestFinished(async () => {
    await proxy.close();
    await door.close();
    await nats.close();
  });
  const rest = { host: 'http://profiles.test', lookupPath: '/lookup', savePath: '/save' };
  const agent = runAgent({
    env: {
      HTTP_PROXY: proxy.url,
      NO_PROXY: 'elsewhere.test',
      OPTIMIZELY_SDKKEYS: KEY,
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: 'http://cdn.test/%s.json',
      OPTIMIZELY_CLIENT_EVENTURL: 'http://sender:p%40@events.test/v1/events',
      OPTIMIZELY_CLIENT_FLUSHINTERVAL: '10ms',
      OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({ default: 'rest', services: { rest } }),
      OPTIMIZELY_ADMIN_AUTH_JWKSURL: 'http://reader:q@issuer.test/keys',
      OPTIMIZELY_ADMIN_AUTH_JWKSUPDATEINTERVAL: '1m',
      FANOUT_BUCKET: 'bucket',
      FANOUT_S3_ENDPOINT: 'http://s3.test',
      FANOUT_NATS_URL: 'ws://nats.test',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
  const { apiPort, outboundRoute } = await agent.line('agent.started');
  expect(outboundRoute).toBe(`http by ${proxy.url}/`);
  const headers = { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY };
  await eventually('it decides', async () => {
    const url = `http://127.0.0.1:${apiPort}/v1/decide?keys=flag_1`;
    const answer = await fetch(url, { method: 'POST', headers, body: '{"userId":"u"}' });
    return answer.status === 200;
  });
  for (const wanted of [
    `GET http://cdn.test/${KEY}.json`,
    /^GET http:\/\/s3\.test\/bucket\/datafiles\//,
    'CONNECT nats.test:80',
    'POST http://events.test/v1/events',
    /^POST http:\/\/profiles\.test\/lookup/,
    'GET http://issuer.test/keys',
  ])
    await eventually(`it asks for ${wanted}`, () =>
      proxy.asked.some((asked) => (typeof wanted === 'string' ? asked === wanted : wanted.test(asked))),
    );
  const basicOf = (path: string) => door.seen.find(({ url }) => url === path)?.headers.authorization;
  await eventually(
    'both came through',
    () => basicOf('/keys') !== undefined && basicOf('/v1/events') !== undefined,
  );
  expect(basicOf('/v1/events')).toBe(`Basic ${Buffer.from('sender:p@').toString('base64')}`);
  expect(basicOf('/keys')).toBe(`Basic ${Buffer.from('reader:q').toString('base64')}`);
});
