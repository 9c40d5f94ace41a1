// A built agent as a process, for one test: its API, what it serves, and what it says. Neither the record nor the CDN is there
// unless its environment says so, so that what it serves has come over the bus.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { AGENT_BUNDLE } from '../../infra/local/stack/parts.ts';
import { KEY } from '../agent/support/fakes.ts';
import { eventually } from './eventually.ts';

/** Nothing answers there. */
const NOWHERE = 'http://127.0.0.1:1/%s.json';

export interface SpawnedAgent {
  readonly api: string;
  /** Everything it has printed. */
  readonly lines: readonly string[];
  /** Resolves when it decides from this seq. */
  serves(seq: number): Promise<unknown>;
  decide(userId: string): Promise<Response>;
  /** Asked to, by signal; resolves when it has ended. */
  stop(): Promise<unknown>;
}

/** What to start in place of a command: one that runs it in other surroundings. */
export type Wrap = (command: string, args: readonly string[]) => [command: string, args: string[]];

/** Listening; ended after the test. */
export async function spawnAgent(
  env: Readonly<Record<string, string>>,
  wrap: Wrap = (command, args) => [command, [...args]],
): Promise<SpawnedAgent> {
  const lines: string[] = [];
  const child = spawn(...wrap(process.execPath, [AGENT_BUNDLE]), {
    env: {
      ...{ PATH: process.env.PATH, AGENT_WORKERS: '1', OPTIMIZELY_SERVER_HOST: '127.0.0.1' },
      ...{ OPTIMIZELY_API_PORT: '0', OPTIMIZELY_ADMIN_PORT: '0', OPTIMIZELY_WEBHOOK_PORT: '0' },
      OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true',
      ...{ OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: NOWHERE, OPTIMIZELY_CLIENT_EVENTURL: NOWHERE },
      ...{ FANOUT_BUCKET: 'none', FANOUT_S3_ENDPOINT: 'http://127.0.0.1:1', AWS_REGION: 'us-east-1' },
      ...{ AWS_ACCESS_KEY_ID: 'none', AWS_SECRET_ACCESS_KEY: 'none' },
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => lines.push(line));
  const ended = new Promise((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const started = await eventually('it listens', () =>
    lines.find((line) => line.includes('"agent.started"')),
  );
  const api = `http://127.0.0.1:${(JSON.parse(started) as { apiPort: number }).apiPort}`;
  const decide = (userId: string) =>
    fetch(`${api}/v1/decide?keys=flag_1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY },
      body: JSON.stringify({ userId }),
    });
  const serves = (seq: number) =>
    eventually(`it serves seq ${seq}`, async () => {
      const answer = await decide('u');
      return answer.status === 200 && answer.headers.get('x-datafile-seq') === String(seq);
    });
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { api, lines, serves, decide, stop };
}
