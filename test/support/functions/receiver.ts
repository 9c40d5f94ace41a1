// The built receiver beside a running stack, in place of its Lambdas: the same bus, store and CDN, no SNS.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { eventually } from '../eventually.ts';
import { type LogLine, parseLine } from './observe.ts';
import { RECEIVER_BUNDLE } from './receiver-env.ts';

export interface TestReceiver {
  readonly url: string;
  readonly webhook: string;
  readonly lines: readonly LogLine[];
  /** Everything it has printed, line by line. */
  readonly printed: readonly string[];
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
}

/** Ends with the test. */
export async function startReceiver(env: Readonly<Record<string, string>>): Promise<TestReceiver> {
  const child = spawn(process.execPath, [RECEIVER_BUNDLE], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: LogLine[] = [];
  const printed: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      printed.push(line);
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
    printed,
    ended,
    kill: (signal) => void child.kill(signal),
  };
}

export const statusOf = async (url: string): Promise<number> => {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
};
