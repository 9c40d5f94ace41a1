// That no secret is printed is checked after every run (check.ts); here, that it would be found.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, it } from 'vitest';
import { findInFolder } from './check.ts';
import { findSecrets, HUSH, secretsOf } from './secrets.ts';

describe('the secrets of a process', () => {
  it('the secrets of a process are known by the settings that hold them', () => {
    const env = {
      FANOUT_PROJECTS: JSON.stringify([
        {
          projectId: '12345678',
          secrets: ['webhook-secret'],
          datafiles: [{ sdkKey: 'SdkKey123', accessToken: 'access-token' }],
        },
      ]),
      FANOUT_NATS_PASSWORD: 'bus-password',
      OPTIMIZELY_SDKKEYS: 'SdkKey123,SdkKey456:other-token',
      OPTIMIZELY_API_AUTH_HMACSECRETS: 'first-secret,second-secret',
      OPTIMIZELY_CLIENT_USERPROFILESERVICE:
        '{"services":{"redis":{"host":"redis.example","password":"redis-password"}}}',
      FANOUT_PROJECTS_SECRET: 'the-name-of-a-secret',
      OPTIMIZELY_CLIENT_EVENTURL: 'https://sender:event%2Dpassword@events.example/',
      AWS_SECRET_ACCESS_KEY: 'local',
      PATH: '/usr/local/bin',
    };
    expect(secretsOf(env).map(({ value }) => value)).toEqual([
      ...['webhook-secret', 'access-token', 'bus-password', 'other-token'],
      ...['first-secret', 'second-secret', 'redis-password', 'event%2Dpassword', 'event-password'],
    ]);
  });
});

describe('output', () => {
  const secrets = [{ label: 'FANOUT_NATS_PASSWORD', value: 'bus-password' }];

  it.each([
    ['a secret in use', 'connecting as u:bus-password@host', 'FANOUT_NATS_PASSWORD'],
    ['a secret of the tests', `{"error":"${HUSH}token"}`, 'a secret of the tests'],
    ['a private key', '"-----BEGIN PRIVATE KEY-----\\nMC4', 'a private key'],
    ['an Authorization header', 'authorization: Bearer abcdefgh', 'an access token'],
    [
      'a token',
      `t=${['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0In0', 'c2lnbmF0dXJl'].join('.')}`,
      'a signed token',
    ],
    ['a body', '{"event":"datafile.fetched","body":"{\\"featureFlags\\":[]}"}', 'the body of a datafile'],
  ])('output with %s is found out', (_, output, label) => {
    expect(findSecrets(`first line\n${output}\nlast line`, secrets).map((find) => find.label)).toEqual([
      label,
    ]);
  });

  it('without any is not', () => {
    const lines =
      '{"event":"datafile.fetched","bytes":5}\n{"featureFlags":[],"experiments":[]}\nBearer of news\n';
    expect(findSecrets(lines, secrets)).toEqual([]);
  });
});

it('of a process is caught with its settings, and told of without the secret', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fanout-output-test-'));
  writeFileSync(
    join(folder, '1-agent.out'),
    '{"event":"bus.unavailable","error":"refused"}\nuser u, password bus-password\n',
  );
  writeFileSync(join(folder, '1-secrets.jsonl'), '{"label":"FANOUT_NATS_PASSWORD","value":"bus-password"}\n');
  const finds = findInFolder(folder);
  rmSync(folder, { recursive: true });
  expect(finds).toEqual([
    expect.stringMatching(/FANOUT_NATS_PASSWORD, in 1-agent.out, after: .*user u, password $/),
  ]);
  expect(finds.join()).not.toContain('bus-password');
});

it('of every process that a test starts goes into the folder', async () => {
  const word = `said-${process.pid}`;
  const child = spawn(process.execPath, ['-e', `console.log('${word}')`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let heard = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  await new Promise((resolve) => child.once('close', resolve));
  expect(heard.trim()).toBe(word);
  const { readdirSync, readFileSync } = await import('node:fs');
  const folder = inject('outputFolder');
  const said = readdirSync(folder).filter((name) => name.endsWith('.out'));
  expect(said.map((name) => readFileSync(join(folder, name), 'utf8')).join()).toContain(word);
});
