// The built receiver beside a running stack, in place of its Lambdas: the same bus, store and CDN, no SNS.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { ROOT_DIR } from '../../infra/build.ts';
import type { Stack } from '../../infra/local/stack.ts';
import { eventually } from './eventually.ts';
import { type LogLine, parseLine } from './observe.ts';

export interface TestReceiver {
  readonly url: string;
  readonly webhook: string;
  readonly lines: readonly LogLine[];
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

const BUNDLE = join(ROOT_DIR, 'dist/receiver/main.mjs');

export function receiverEnv(stack: Stack, more: Readonly<Record<string, string>> = {}) {
  const { addresses, urls } = stack;
  const datafiles = [{ sdkKey: addresses.sdkKey, environment: 'Production' }];
  return {
    FANOUT_PORT: '0',
    FANOUT_BUCKET: addresses.s3.bucket,
    FANOUT_S3_ENDPOINT: addresses.s3.endpoint,
    FANOUT_NATS_URL: urls.natsWs,
    FANOUT_PROJECTS: JSON.stringify([
      { projectId: addresses.projectId, secrets: [addresses.webhookSecret], datafiles },
    ]),
    FANOUT_CDN_URL_TEMPLATE: `${urls.cdn}/datafiles/%s.json`,
    FANOUT_ORIGIN_URL_TEMPLATE: `${urls.cdn}/origin/datafiles/%s.json`,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...more,
  };
}

/** Ends with the test. */
export async function startReceiver(env: Readonly<Record<string, string>>): Promise<TestReceiver> {
  const child = spawn(process.execPath, [BUNDLE], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: LogLine[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      const parsed = parseLine(line);
      if (parsed !== null) lines.push(parsed);
    });
  const ended = new Promise<number | string>((resolve) =>
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 'unknown')),
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const started = await eventually('the receiver started', () =>
    lines.find(({ event }) => event === 'receiver.started'),
  );
  const url = `http://127.0.0.1:${String(started.port)}`;
  return {
    url,
    webhook: `${url}/webhooks/optimizely`,
    lines,
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

export const statusOf = async (url: string): Promise<number> => {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
};
