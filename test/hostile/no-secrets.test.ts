// An agent whose every setting holds a secret and whose every neighbour is down, as a process: it complains a lot, and in
// none of its output is a secret. The same is checked after every run for all processes of the tests (test/output).

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { KEY } from '../agent/support/fakes.ts';
import { findSecrets, HUSH } from '../output/secrets.ts';
import { runAgent } from '../support/agent-process.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const DOWN = '127.0.0.1:1';
const hush = (name: string) => HUSH + name;

async function settings(): Promise<Record<string, string>> {
  const redis = { host: DOWN, password: hush('redis-password'), database: 0 };
  const rest = { host: `http://${DOWN}`, headers: { authorization: hush('rest-header') } };
  const cacheDir = await tempDir();
  const creds = join(cacheDir, 'bus.creds');
  await writeFile(creds, hush('not-a-creds-file'));
  return {
    OPTIMIZELY_SDKKEYS: `${KEY}:${hush('datafile-token')}`,
    OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `http://${DOWN}/%s.json`,
    OPTIMIZELY_CLIENT_EVENTURL: `http://${DOWN}/`,
    OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({ default: 'rest', services: { redis, rest } }),
    OPTIMIZELY_CLIENT_ODP_SEGMENTSCACHE: JSON.stringify({ default: 'redis', services: { redis } }),
    OPTIMIZELY_API_AUTH_HMACSECRETS: Buffer.from(hush('hmac')).toString('base64'),
    OPTIMIZELY_API_AUTH_TTL: '1m',
    OPTIMIZELY_WEBHOOK_PORT: '0',
    OPTIMIZELY_WEBHOOK_PROJECTS: JSON.stringify({ 5: { sdkKeys: [KEY], secret: hush('webhook') } }),
    FANOUT_NATS_URL: `ws://${DOWN}`,
    FANOUT_NATS_USER: 'agent',
    FANOUT_NATS_PASSWORD: hush('bus-password'),
    FANOUT_BUCKET: 'bucket',
    FANOUT_S3_ENDPOINT: `http://${DOWN}`,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: hush('aws-secret'),
    AWS_REGION: 'us-east-1',
    FANOUT_CACHE_DIR: cacheDir,
  };
}

it('is told by an agent for which everything goes wrong', async () => {
  const env = await settings();
  const agent = runAgent({ env: { AWS_EC2_METADATA_DISABLED: 'true', ...env } });
  const { adminPort, apiPort, webhookPort } = await agent.ports();
  for (const source of ['nats', 's3', 'cdn'])
    await eventually(`${source} has failed`, () =>
      agent.lines.some((line) => line.includes(`"source":"${source}"`)),
    );
  const headers = {
    'x-optimizely-sdk-key': `${KEY}:${hush('another-token')}`,
    authorization: `Bearer ${hush('bearer')}`,
  };
  const answers = await Promise.all(
    [
      ...['/health', '/config', '/info', '/metrics', '/debug/vars'].map((path) => `${adminPort}${path}`),
      ...['/v1/config', '/v1/datafile', '/oauth/token'].map((path) => `${apiPort}${path}`),
      `${webhookPort}/webhooks/optimizely`,
    ].map(async (place) => (await fetch(`http://127.0.0.1:${place}`, { headers })).text()),
  );
  await agent.stop();
  const everything = [...agent.lines, ...answers].join('\n');
  expect(everything).toContain('"event":"agent.stopped"');
  expect(
    findSecrets(everything, [{ label: 'hmac', value: env.OPTIMIZELY_API_AUTH_HMACSECRETS as string }]),
  ).toEqual([]);
});
