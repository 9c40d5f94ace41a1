// The built agent with a file of settings: what it loads only when it is needed (YAML, patterns, tokens, the thread that
// compares secrets) is in the bundle and works from there.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { datafileBody, KEY } from '../agent/support/fakes.ts';
import { TestCdn } from '../agent/support/http.ts';
import { runAgent } from '../support/agent-process.ts';
import { tempDir } from '../support/temp-dir.ts';

const SECRET = 'CwBVep/E6Q4zWH2ix+wRNluApcrvFDleg6jN8hc8YYY=';
const HASH = 'JDJhJDA0JHdYYWtBeHVCd3IxR1R6TXBscHNxRy5pTGJJb0xqSHdqYThaMy9mQS96MDhiMHpQLkg2STU2';

async function folderWith(settings: string): Promise<string> {
  const folder = await tempDir();
  await writeFile(join(folder, 'config.yaml'), settings);
  return folder;
}

const run = (cwd: string, args: readonly string[] = []) =>
  runAgent({ isBuilt: true, isBare: true, env: { AGENT_WORKERS: '1' }, cwd, args });

it('is set by config.yaml in its folder, and issues and checks tokens', async () => {
  const cdn = await new TestCdn().start();
  onTestFinished(() => cdn.close());
  cdn.bodies.set(KEY, datafileBody(1));
  const folder = await folderWith(`
sdkKeys: [${KEY}]
client: { datafileURLTemplate: "${cdn.template}", sdkKeyRegex: "(?i)^testkey[[:alnum:]]+$" }
admin: { port: 0 }
webhook: { port: 0 }
api:
  port: 0
  auth:
    ttl: 1m
    hmacSecrets: [Zmlyc3Qtc2VjcmV0]
    clients: [{ id: shop, secretHash: ${HASH}, sdkKeys: [${KEY}] }]
`);
  const { apiPort } = await run(folder).ports();
  const api = `http://127.0.0.1:${apiPort}`;
  const token = await fetch(`${api}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: 'shop', client_secret: SECRET }),
  });
  expect(token.status).toBe(200);
  const { access_token } = (await token.json()) as { access_token: string };
  const config = (headers: Record<string, string>) =>
    fetch(`${api}/v1/config`, { headers: { 'x-optimizely-sdk-key': KEY, ...headers } });
  expect((await config({ authorization: `Bearer ${access_token}` })).status).toBe(200);
  expect((await config({})).status).toBe(401);
});

it('says with --check-config whether the file is right', async () => {
  const right = run(await folderWith('api: { port: 1234 }'), ['--check-config']);
  expect(await right.ended).toBe(0);
  expect(right.lines.join('\n')).toContain('127.0.0.1:1234');
  const wrong = run(await folderWith('api: { port: x }\nlog: { level: loud }'), ['--check-config']);
  expect(await wrong.ended).toBe(2);
  expect(wrong.lines.sort()).toEqual([
    '2 of the settings are wrong.',
    'wrong: ./config.yaml: api.port is "x" but must be a whole number from 0 to 65535',
    'wrong: ./config.yaml: log.level is "loud" but must be one of debug, info, warn, error, silent',
  ]);
});
