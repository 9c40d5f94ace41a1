// The exchanges recorded from the original Agent for the routes that are there, replayed against one fresh agent.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agent } from '../../../agent/agent.ts';
import { createAgent } from '../../../agent/agent.ts';
import { parseConfig } from '../../../agent/config.ts';
import { MemoryLog, realClock } from '../support/fakes.ts';
import { TestCdn } from '../support/http.ts';

interface Vector {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Record<string, string>;
    readonly body?: unknown;
  };
  readonly response: { readonly status: number; readonly contentType?: string; readonly body: unknown };
}

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'agent-api');
const SDK_KEY = 'KZbunNn9bVfBWLpZPq2XC4';
const vectors = JSON.parse(readFileSync(join(FIXTURES, 'vectors.json'), 'utf8')) as Vector[];

/** What cannot agree, each with its reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  'decide one flag_4 aaaaaaaaaa':
    'the Go SDK buckets into a paused experiment, the Node SDK rightly does not',
  'decide all': 'recorded with a user profile service, which remembers an earlier decision',
  'decide after save': 'recorded with a user profile service',
};

const cdn = new TestCdn();
let agent: Agent;
let base: string;
beforeAll(async () => {
  await cdn.start();
  cdn.bodies.set(SDK_KEY, readFileSync(join(FIXTURES, 'datafile.json')));
  const env = { OPTIMIZELY_SDKKEYS: SDK_KEY, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template };
  const config = parseConfig(
    { ...env, OPTIMIZELY_SERVER_HOST: '127.0.0.1', OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/' },
    () => '',
  );
  agent = createAgent(
    { ...config, apiPort: 0, adminPort: 0 },
    { clock: realClock, random: Math.random, monotonicMs: () => performance.now(), log: new MemoryLog() },
  );
  base = `http://127.0.0.1:${(await agent.start()).apiPort}`;
});
afterAll(async () => {
  await agent.stop();
  await cdn.close();
});

async function send({ method, path, headers = {}, body }: Vector['request']) {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const response = await fetch(`${base}${path}`, {
    method,
    headers: {
      'X-Optimizely-SDK-Key': SDK_KEY,
      ...(text === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return { status: response.status, isJson, body: isJson ? JSON.parse(answer) : answer };
}

/** Reasons are compared by being there at all, lists without their order, and what is null or empty not at all. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical).map((item) => JSON.stringify(item));
    return items.sort();
  }
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value)
    .map(([key, item]) => [key, key === 'reasons' ? (item as []).length > 0 : item] as const)
    .filter(([key, item]) => item !== null && !(key === 'variables' && Object.keys(item).length === 0))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, canonical(item)]));
}

describe('the recorded exchanges', () => {
  it('are all here', () => {
    expect(vectors.length).toBeGreaterThan(70);
    expect(Object.keys(DIFFERENT).every((name) => vectors.some((vector) => vector.name === name))).toBe(true);
  });

  it.each(vectors.filter(({ name }) => !(name in DIFFERENT)))('$name', async ({ request, response }) => {
    const got = await send(request);
    expect(got.status).toBe(response.status);
    expect(canonical(got.body)).toEqual(canonical(response.body));
    if (response.body !== '') expect(got.isJson).toBe(/json/.test(response.contentType ?? ''));
  });

  it.each(Object.entries(DIFFERENT))('%s is answered all the same (%s)', async (name) => {
    const vector = vectors.find((one) => one.name === name) as Vector;
    expect((await send(vector.request)).status).toBe(vector.response.status);
  });
});
