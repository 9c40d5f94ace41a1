// Credentials in every URL that can be set, of every program: used or refused, and never in anything that is printed or
// answered to operators. Real processes whose every neighbour is down, so that each of them complains.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { freePorts } from '../../infra/local/stack/ports.ts';
import { KEY } from '../agent/support/fakes.ts';
import { findSecrets, HUSH } from '../output/secrets.ts';
import { COMPILE_CACHE } from '../support/compile-cache.ts';
import { eventually } from '../support/eventually.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const AGENT = join(ROOT, 'agent/main.ts');
const RECEIVER = join(ROOT, 'functions/receiver/main.ts');
const CLI = join(ROOT, 'infra/cli/main.ts');
/** Nothing listens there; not one of the ports that fetch() and WebSocket refuse. */
const DOWN = `127.0.0.1:${await freePorts(Math.random).next()}`;
/** With a sign that URLs must encode, and that some parsers stop at. */
const at = (name: string, place = DOWN) => `u:${HUSH}${name}%40x@${place}`;

const aws = {
  ...{ AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: `${HUSH}aws`, AWS_REGION: 'us-east-1' },
  ...{ AWS_EC2_METADATA_DISABLED: 'true', FANOUT_BUCKET: 'bucket' },
};
const rest = (name: string) =>
  JSON.stringify({
    default: 'rest',
    services: { rest: { host: `http://${at(name)}`, lookupPath: '/l', savePath: '/s' } },
  });
const agentUsed = {
  ...aws,
  ...{ OPTIMIZELY_SDKKEYS: KEY, AGENT_WORKERS: '1', OPTIMIZELY_SERVER_HOST: '127.0.0.1' },
  ...{ OPTIMIZELY_API_PORT: '0', OPTIMIZELY_ADMIN_PORT: '0', OPTIMIZELY_WEBHOOK_PORT: '0' },
  OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `http://${at('cdn')}/%s.json`,
  OPTIMIZELY_CLIENT_EVENTURL: `http://${at('events')}/`,
  OPTIMIZELY_CLIENT_USERPROFILESERVICE: rest('rest'),
  OPTIMIZELY_CMAB_PREDICTIONENDPOINT: `http://${at('cmab')}/%s`,
  OPTIMIZELY_API_AUTH_JWKSURL: `http://${at('jwks')}/`,
  OPTIMIZELY_API_AUTH_JWKSUPDATEINTERVAL: '1m',
  FANOUT_RECEIVER_URL: `http://${at('receiver')}/`,
  FANOUT_NATS_URL: `ws://${at('bus')}`,
  FANOUT_S3_ENDPOINT: `http://${DOWN}`,
  HTTPS_PROXY: `http://${at('proxy')}`,
};
const agentRefused = {
  FANOUT_S3_ENDPOINT: `http://${at('s3')}`,
  FANOUT_ODP_HOSTS: `https://${at('odp')}`,
  FANOUT_NATS_URL: `ws://${at('bus')},ws://${DOWN}`,
  OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_REMOTE_ENDPOINT: at('collector'),
  HTTP_PROXY: `socks5://${at('proxy')}`,
  OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `http://${at('no-place')}/`,
  OPTIMIZELY_CLIENT_EVENTURL: `ftp://${at('events')}/`,
  OPTIMIZELY_CMAB_PREDICTIONENDPOINT: `u:${HUSH}slash/p@x`,
  FANOUT_RECEIVER_URL: `http://u:${HUSH}broken/p@${DOWN}`,
};
const functionsUsed = {
  ...aws,
  FANOUT_PROJECTS: JSON.stringify([
    { projectId: '1', secrets: [`${HUSH}webhook`], datafiles: [{ sdkKey: KEY, environment: 'e' }] },
  ]),
  FANOUT_TOPIC_ARN: 'arn:aws:sns:us-east-1:1:t',
  FANOUT_NATS_URL: `ws://${at('bus')}`,
  FANOUT_CDN_URL_TEMPLATE: `http://${at('cdn')}/%s.json`,
  FANOUT_ORIGIN_URL_TEMPLATE: `http://${at('origin')}/%s.json`,
  FANOUT_S3_ENDPOINT: `http://${DOWN}`,
  FANOUT_SNS_ENDPOINT: `http://${DOWN}`,
  HTTPS_PROXY: `http://${at('proxy')}`,
};
const functionsRefused = {
  FANOUT_S3_ENDPOINT: `http://${at('s3')}`,
  FANOUT_SNS_ENDPOINT: `http://${at('sns')}`,
  FANOUT_NATS_URL: `nats://${at('bus')}`,
  FANOUT_CDN_AUTH_URL_TEMPLATE: `https://${at('auth')}/%s`,
  FANOUT_CDN_URL_TEMPLATE: `https://${at('cdn')}/`,
  HTTP_PROXY: `socks5://${at('proxy')}`,
};

function start(args: readonly string[], env: Readonly<Record<string, string>>) {
  const child: ChildProcess = spawn(process.execPath, [...args], {
    env: { PATH: process.env.PATH, ...COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    if (stream !== null) createInterface({ input: stream }).on('line', (line) => said.push(line));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const line = (text: string) => eventually(text, () => said.find((one) => one.includes(text)));
  return { child, said, ended, line };
}

const expectNone = (output: string) => expect(findSecrets(output, [])).toEqual([]);

describe('an agent', () => {
  it('an agent that uses them tells none', async () => {
    const { child, said, ended, line } = start([AGENT], agentUsed);
    const { adminPort, apiPort, webhookPort } = JSON.parse(await line('agent.started'));
    for (const source of ['nats', 's3', 'cdn']) await line(`"source":"${source}"`);
    await line('keys.failed');
    const answers = await Promise.all(
      [`${adminPort}/config`, `${adminPort}/health`, `${adminPort}/metrics`, `${apiPort}/v1/config`].map(
        async (place) => (await fetch(`http://127.0.0.1:${place}`)).text(),
      ),
    );
    await fetch(`http://127.0.0.1:${webhookPort}/webhooks/optimizely`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    await line('RECEIVER_FAILED');
    child.kill('SIGTERM');
    await ended;
    const output = [...said, ...answers].join('\n');
    expect(output).toContain('http://***@');
    expectNone(output);
  });

  it('takes them for right where they are used, and tells none', async () => {
    const { said, ended } = start([AGENT, '--check-config'], agentUsed);
    expect(await ended).toBe(0);
    expect(said.join('\n')).toContain(`https by http://***@${DOWN}/`);
    expectNone(said.join('\n'));
  });

  it.each(['run', 'check'])('refuses the others, and tells none (%s)', async (how) => {
    const { said, ended } = start([AGENT, ...(how === 'run' ? [] : ['--check-config'])], {
      ...agentUsed,
      ...agentRefused,
    });
    expect(await ended).toBe(2);
    const output = said.join('\n');
    // What is wrong with the way out ends a start by itself.
    const named = how === 'run' ? ['HTTP_PROXY'] : Object.keys(agentRefused);
    for (const name of named) expect(output).toContain(name);
    expectNone(output);
  });
});

describe('the receiver', () => {
  it('the receiver that uses them tells none', async () => {
    const { child, said, ended, line } = start([RECEIVER], { ...functionsUsed, FANOUT_PORT: '0' });
    await line('receiver.started');
    await line('reconcile.finished');
    child.kill('SIGTERM');
    await ended;
    expectNone(said.join('\n'));
  });

  it.each(['run', 'check'])('refuses the others, and tells none (%s)', async (how) => {
    const args = [RECEIVER, ...(how === 'run' ? [] : ['--check-config'])];
    const { said, ended } = start(args, { ...functionsUsed, ...functionsRefused });
    expect(await ended).toBe(2);
    const output = said.join('\n');
    const named = how === 'run' ? ['HTTP_PROXY'] : Object.keys(functionsRefused);
    for (const name of named) expect(output).toContain(name);
    expectNone(output);
  });
});

describe('the command line', () => {
  it.each(['functions', 'receiver', 'agent'])('finds those of the %s, and tells none', async (part) => {
    const used = part === 'agent' ? agentUsed : functionsUsed;
    const refused = part === 'agent' ? agentRefused : functionsRefused;
    const right = start([CLI, 'config', 'check', '--of', part], used);
    expect(await right.ended).toBe(0);
    const wrong = start([CLI, 'config', 'check', '--of', part], { ...used, ...refused });
    expect(await wrong.ended).toBe(1);
    for (const name of Object.keys(refused)) expect(wrong.said.join('\n')).toContain(name);
    expectNone([...right.said, ...wrong.said].join('\n'));
  });

  it('looks with them, and tells none', async () => {
    const { said, ended } = start([CLI, 'doctor'], functionsUsed);
    expect(await ended).toBe(1);
    expect(said.join('\n')).toContain('connection refused');
    expectNone(said.join('\n'));
  });

  it.each([
    [['webhook', 'test', `https://${at('target')}/webhooks/optimizely`]],
    [['webhook', 'register', `https://${at('target')}/`, '--project', '1']],
  ])('refuses them in an address: %j', async (args) => {
    const { said, ended } = start([CLI, ...args], { OPTIMIZELY_API_TOKEN: `${HUSH}token` });
    expect(await ended).toBe(2);
    expectNone(said.join('\n'));
  });
});
