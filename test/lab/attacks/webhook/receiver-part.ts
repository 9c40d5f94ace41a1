// The receiver beside the stage's functions, for the attacks on it alone: it reconciles by itself, which would heal what other
// attacks look at.

import { setTimeout as sleep } from 'node:timers/promises';
import { Part } from '../../../../infra/local/stack/part.ts';
import { startReaper } from '../../../../infra/local/stack/reaper-client.ts';
import { RECEIVER_BUNDLE, receiverEnv } from '../../../support/functions/receiver-env.ts';
import { require } from '../attack.ts';
import { busEnv } from '../bus/bus-users.ts';
import type { Target } from '../target.ts';

const READY_POLL_MS = 20;
const STARTED = /"receiver\.started"/;

export interface Receiver {
  readonly url: string;
  readonly webhook: string;
  readonly pid: number;
}

/** Started for this run only. @throws Broken when it has ended meanwhile; NotHere */
export async function withReceiver(
  target: Target,
  run: (receiver: Receiver) => Promise<unknown>,
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  const { stack, cdn } = target.own;
  const env = receiverEnv(stack, {
    ...busEnv('publisher'),
    FANOUT_FETCH_BUDGET: '600ms',
    FANOUT_CDN_URL_TEMPLATE: `${cdn.url}/datafiles/%s.json`,
    FANOUT_ORIGIN_URL_TEMPLATE: `${cdn.url}/origin/datafiles/%s.json`,
    ...more,
  });
  const reaper = startReaper();
  const args = [RECEIVER_BUNDLE];
  const part = new Part(
    { name: 'receiver', command: process.execPath, args, env, readiness: STARTED },
    reaper,
  );
  try {
    await part.start();
    const started = JSON.parse(part.lines.find((line) => STARTED.test(line)) ?? '{}') as { port: number };
    const url = `http://127.0.0.1:${started.port}`;
    await untilReady(url);
    await run({ url, webhook: `${url}/webhooks/optimizely`, pid: part.pid ?? 0 });
    require(part.isRunning, 'the receiver has ended');
  } finally {
    await part.stop();
    await reaper.close();
  }
}

/** The record has answered it. */
async function untilReady(url: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${url}/health/ready`);
    await response.arrayBuffer();
    if (response.ok) return;
    await sleep(READY_POLL_MS);
  }
}
