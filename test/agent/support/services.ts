// Other services whose answers a test controls, and an agent that uses them.

import { onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startAgent, type TestAgent } from './agent.ts';
import { KEY, MemoryRecord } from './fakes.ts';
import { startHttp, type TestHttp } from './http.ts';
import { outsideDatafile, SEGMENT } from './outside-datafile.ts';

export interface Outside {
  readonly http: TestHttp;
  /** Answers to give instead of the usual ones, by the first word of the path. */
  readonly failing: Set<string>;
  readonly profiles: Map<string, string>;
}

/** The Data Platform, the prediction endpoint and a profile service in one. */
export async function startOutside(): Promise<Outside> {
  const failing = new Set<string>();
  const profiles = new Map<string, string>();
  const http = await startHttp(({ url, body }) => {
    const [, part = ''] = url.split('/');
    if (failing.has(part)) return { status: 500 };
    if (url === '/v3/graphql') {
      const { userId } = JSON.parse(body).variables;
      const state = userId.startsWith('vip') ? 'qualified' : 'not_qualified';
      const edges = [{ node: { name: SEGMENT, state } }];
      return { status: 200, body: JSON.stringify({ data: { customer: { audiences: { edges } } } }) };
    }
    if (part === 'predict') return { status: 200, body: '{"predictions":[{"variation_id":"82"}]}' };
    if (part === 'keep') profiles.set(JSON.parse(body).user_id, body);
    if (part === 'look') {
      const profile = profiles.get(JSON.parse(body).user_id);
      return profile === undefined ? { status: 404 } : { status: 200, body: profile };
    }
    return { status: 200, body: '' };
  });
  onTestFinished(() => http.close());
  return { http, failing, profiles };
}

export async function startWith(outside: Outside, env: Record<string, string> = {}): Promise<TestAgent> {
  const record = new MemoryRecord();
  record.publish(KEY, outsideDatafile(1, outside.http.url));
  const rest = { host: outside.http.url, lookupPath: '/look', savePath: '/keep' };
  const agent = await startAgent({
    record,
    env: {
      OPTIMIZELY_CMAB_PREDICTIONENDPOINT: `${outside.http.url}/predict/%s`,
      OPTIMIZELY_CMAB_RETRYCONFIG: '{"maxRetries":0}',
      OPTIMIZELY_CLIENT_ODP_EVENTSFLUSHINTERVAL: '0s',
      OPTIMIZELY_CLIENT_USERPROFILESERVICE: JSON.stringify({ services: { rest } }),
      FANOUT_BUCKET: 'bucket',
      FANOUT_ODP_HOSTS: outside.http.url,
      ...env,
    },
  });
  await eventually('the datafile is served', async () => (await agent.decide('flag_1')).status === 200);
  return agent;
}

export async function post(
  agent: TestAgent,
  path: string,
  body: object,
  headers: Record<string, string> = {},
) {
  const response = await fetch(`${agent.api}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY, ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, json: text === '' ? null : JSON.parse(text) };
}

export const metricsOf = async (agent: TestAgent) =>
  (await fetch(`${agent.admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
