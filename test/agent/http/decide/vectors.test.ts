// The exchanges recorded from the original Agent, replayed in order against one fresh agent: overrides and profiles
// carry over from one to the next.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Agent } from '../../../../agent/agent.ts';
import { createAgent } from '../../../../agent/agent.ts';
import { type AgentConfig, parseConfig } from '../../../../agent/config/config.ts';
import { ANY_PORTS } from '../../support/agent.ts';
import { MemoryLog, realClock } from '../../support/fakes.ts';
import { TestCdn } from '../../support/http.ts';
import { canonical, DIFFERENT, FIXTURES, RECORDED_KEY, send, type Vector, vectors } from './recording.ts';

/** The settings of the recording. */
const RECORDED_WITH = (config: AgentConfig): Partial<AgentConfig> => ({
  api: { ...config.api, enableOverrides: true },
  userProfiles: {
    default: 'in-memory',
    services: new Map([['in-memory', { kind: 'in-memory', capacity: 0, storageStrategy: 'fifo' }]]),
  },
});

const cdn = new TestCdn();
let agent: Agent;
let base: string;
beforeAll(async () => {
  await cdn.start();
  cdn.bodies.set(RECORDED_KEY, readFileSync(join(FIXTURES, 'datafile.json')));
  const env = { OPTIMIZELY_SDKKEYS: RECORDED_KEY, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template };
  const config = parseConfig(
    { ...env, OPTIMIZELY_SERVER_HOST: '127.0.0.1', OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/' },
    () => '',
  );
  agent = createAgent(
    { ...config, ...RECORDED_WITH(config), ...ANY_PORTS(config) },
    { clock: realClock, random: Math.random, monotonicMs: () => performance.now(), log: new MemoryLog() },
  );
  base = `http://127.0.0.1:${(await agent.start()).apiPort}`;
});
afterAll(async () => {
  await agent.stop();
  await cdn.close();
});

describe('the recorded exchanges', () => {
  it('the recorded exchanges are all here', () => {
    expect(vectors.length).toBe(120);
    expect(Object.keys(DIFFERENT).every((name) => vectors.some((vector) => vector.name === name))).toBe(true);
  });

  it.each(vectors.filter(({ name }) => !(name in DIFFERENT)))('$name', async ({ request, response }) => {
    const got = await send(base, request);
    expect(got.status).toBe(response.status);
    expect(canonical(got.body)).toEqual(canonical(response.body));
    if (response.body !== '') expect(got.isJson).toBe(/json/.test(response.contentType ?? ''));
  });

  it.each(Object.entries(DIFFERENT))('%s is answered all the same (%s)', async (name) => {
    const vector = vectors.find((one) => one.name === name) as Vector;
    expect((await send(base, vector.request)).status).toBe(vector.response.status);
  });
});
