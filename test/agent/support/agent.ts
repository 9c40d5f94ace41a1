// A whole agent in the test's own process, on free ports; the test controls the services that it uses.

import { onTestFinished } from 'vitest';
import { type Agent, createAgent } from '../../../agent/agent.ts';
import { type AgentConfig, type Environment, parseConfig } from '../../../agent/config/config.ts';
import type { HealthReport } from '../../../agent/datafiles/health/status.ts';
import type { Tracing } from '../../../agent/tracing/types.ts';
import type { Clock } from '../../../core/clock.ts';
import type { SdkKey } from '../../../core/ids.ts';
import { notes } from '../../output/notes.ts';
import { eventually } from '../../support/eventually.ts';
import { KEY, MemoryLog, type MemoryRecord, realClock } from './fakes.ts';

export interface AgentOptions {
  readonly env?: Environment;
  readonly record?: MemoryRecord;
  readonly clock?: Clock;
  readonly tracing?: Tracing;
  /** Used instead of the settings of the environment. */
  readonly settings?: Partial<AgentConfig>;
}

export interface TestAgent {
  readonly agent: Agent;
  readonly log: MemoryLog;
  readonly api: string;
  readonly admin: string;
  readonly webhookPort: number;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  decide(flagKey?: string, sdkKey?: SdkKey): Promise<TestDecision>;
  stop(): Promise<void>;
}

export interface TestDecision {
  readonly status: number;
  readonly enabled: boolean | undefined;
  readonly revision: number;
  readonly seq: number;
}

/** Several agents at a time must not use the same ports. */
export const ANY_PORTS = ({ webhook }: AgentConfig) => ({
  ...{ apiPort: 0, adminPort: 0 },
  webhook: { ...webhook, port: 0 },
});

/** Nothing answers there; connections are refused at once. */
export const NOWHERE = 'http://127.0.0.1:1/%s.json';

export async function startAgent(options: AgentOptions = {}): Promise<TestAgent> {
  const log = new MemoryLog();
  notes.settings(options.env ?? {});
  const config: AgentConfig = {
    ...parseConfig(
      {
        OPTIMIZELY_SDKKEYS: KEY,
        OPTIMIZELY_SERVER_HOST: '127.0.0.1',
        ...{ OPTIMIZELY_API_PORT: '0', OPTIMIZELY_ADMIN_PORT: '0', OPTIMIZELY_WEBHOOK_PORT: '0' },
        OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: NOWHERE,
        OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/events',
        FANOUT_S3_POLL_INTERVAL: '100ms',
        ...options.env,
      },
      () => '',
    ),
    ...options.settings,
  };
  const agent = createAgent(config, {
    ...{ clock: options.clock ?? realClock, random: Math.random, monotonicMs: () => performance.now(), log },
    ...(options.record === undefined ? {} : { reader: options.record }),
    ...(options.tracing === undefined ? {} : { tracing: options.tracing }),
  });
  const ports = await agent.start();
  let stopped: Promise<void> | null = null;
  const stop = () => {
    stopped ??= agent.stop();
    return stopped;
  };
  onTestFinished(stop);
  const api = `http://127.0.0.1:${ports.apiPort}`;
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(`${api}${path}`, { headers: { 'x-optimizely-sdk-key': KEY, ...headers } });
  const decide = (flagKey = 'flag_1', sdkKey = KEY) => decideAt(api, flagKey, sdkKey);
  const admin = `http://127.0.0.1:${ports.adminPort}`;
  return { agent, log, api, admin, webhookPort: ports.webhookPort, get, decide, stop };
}

async function decideAt(api: string, flagKey: string, sdkKey: string): Promise<TestDecision> {
  const response = await fetch(`${api}/v1/decide?keys=${encodeURIComponent(flagKey)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': sdkKey },
    body: JSON.stringify({ userId: 'user-1' }),
  });
  const { enabled } = (await response.json()) as { enabled?: boolean };
  const number = (name: string) => Number(response.headers.get(name) ?? Number.NaN);
  const { status } = response;
  return { status, enabled, revision: number('x-datafile-revision'), seq: number('x-datafile-seq') };
}

export const serves = (agent: TestAgent, seq: number, revision: number) =>
  eventually(`seq ${seq} revision ${revision} is served`, async () => {
    const decision = await agent.decide();
    return decision.status === 200 && decision.seq === seq && decision.revision === revision;
  });

export const healthOf = async (agent: TestAgent) =>
  (await (await fetch(`${agent.admin}/health`)).json()) as HealthReport;
