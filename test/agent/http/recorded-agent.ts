// An agent that serves the recorded datafile out of a record that a test can move on, with overrides and profiles.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { toSdkKey } from '../../../core/ids.ts';
import { eventually } from '../../support/eventually.ts';
import { type AgentOptions, startAgent, type TestAgent } from '../support/agent.ts';
import { MemoryRecord } from '../support/fakes.ts';
import { FIXTURES, RECORDED_KEY } from './decide/recording.ts';

export const SDK_KEY = toSdkKey(RECORDED_KEY);
const datafile = JSON.parse(readFileSync(join(FIXTURES, 'datafile.json'), 'utf8')) as Record<string, unknown>;

export interface RecordedAgent extends TestAgent {
  readonly record: MemoryRecord;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Publishes the datafile again under a higher revision, changed or not, and waits until it serves. */
  publish(change?: Record<string, unknown>): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly contentType: string | null;
  /** Undefined where the answer is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it without a type for each route.
  readonly json: any;
}

export async function startRecorded(options: AgentOptions = {}): Promise<RecordedAgent> {
  const record = new MemoryRecord();
  record.publish(SDK_KEY, Buffer.from(JSON.stringify(datafile)));
  const env = {
    OPTIMIZELY_SDKKEYS: SDK_KEY,
    OPTIMIZELY_API_ENABLEOVERRIDES: 'true',
    FANOUT_BUCKET: 'a-bucket',
    ...options.env,
  };
  const agent = await startAgent({ ...options, env, record });
  const post: RecordedAgent['post'] = async (path, body, headers = {}) => {
    const response = await fetch(`${agent.api}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': SDK_KEY, ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    return {
      ...{ status: response.status, text, contentType: response.headers.get('content-type') },
      json: parsed(text),
    };
  };
  const seq = async () => (await agent.get('/v1/config', { 'x-optimizely-sdk-key': SDK_KEY })).headers;
  const publish = async (change: Record<string, unknown> = {}) => {
    const before = Number((await seq()).get('x-datafile-seq'));
    const revision = String(Number((await seq()).get('x-datafile-revision')) + 1);
    record.publish(SDK_KEY, Buffer.from(JSON.stringify({ ...datafile, ...change, revision })));
    await eventually(
      'the next datafile serves',
      async () => Number((await seq()).get('x-datafile-seq')) > before,
    );
  };
  await eventually('the first datafile serves', async () => (await seq()).get('x-datafile-seq') === '1');
  return { ...agent, record, post, publish };
}

const MEMORY = { kind: 'in-memory', capacity: 0, storageStrategy: 'fifo' } as const;
/** Settings: two services kept in memory, of which the first is the default. */
export const WITH_PROFILES = {
  userProfiles: {
    default: 'first',
    services: new Map([
      ['first', MEMORY],
      ['second', MEMORY],
    ]),
  },
} as const;

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
