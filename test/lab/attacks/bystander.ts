// Those who want something of the system while it is attacked: they go on deciding, probing and sending signed webhooks, from
// a thread of their own, so that the attacker's own work is not taken for a stall of the system.

import { Worker } from 'node:worker_threads';
import { SIGNATURE_HEADER } from '../../../core/webhook.ts';
import { webhookBody } from '../../../infra/local/stack/client.ts';
import { Broken, require } from './attack.ts';
import type { Target } from './target.ts';
import { sign } from './webhook/webhook-post.ts';

/** Generous: on a machine that does other things at the same time, the figure that is printed says more. */
const STALL_MAX_MS = 2_000;
const FAILURES_SHOWN_MAX = 3;

export interface Question {
  /** What it is called in the figures. */
  readonly kind: string;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly expected: number;
  readonly pauseMs: number;
}

/** Of one question, asked over and over. */
export interface Seen {
  readonly kind: string;
  readonly asked: number;
  readonly longestMs: number;
  readonly failures: readonly string[];
}

export interface Where {
  /** Where signed webhooks go; default: to the function. */
  readonly webhook?: string;
  /** Asked as an orchestrator does; default: the admin ports of the agents. */
  readonly probes?: readonly string[];
  readonly agents?: readonly string[];
}

/**
 * Runs it while the others go on. The figures are noted.
 * @throws Broken when one of them fails or waits for longer than 2 s
 */
export async function besideOthers(
  target: Target,
  run: () => Promise<unknown>,
  where: Where = {},
): Promise<void> {
  const workerData = questions(target, where);
  const worker = new Worker(new URL('./bystander-thread.ts', import.meta.url), { workerData });
  const seen = new Promise<readonly Seen[]>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  try {
    await run();
  } finally {
    worker.postMessage('end');
    await seen.catch(() => {}); // Thrown below; what `run` threw comes first.
  }
  judge(target, await seen);
}

function judge(target: Target, all: readonly Seen[]): void {
  const figures = all.map(({ kind, asked, longestMs }) => `${kind} ${longestMs.toFixed(0)} ms of ${asked}`);
  target.note(`longest: ${figures.join(', ')}`);
  for (const { kind, asked, longestMs, failures } of all) {
    const shown = failures.slice(0, FAILURES_SHOWN_MAX).join(', ');
    require(failures.length === 0, `${failures.length} of ${asked} times ${kind} failed: ${shown}`);
    require(asked > 0, `${kind} was never asked`);
    if (longestMs > STALL_MAX_MS) throw new Broken(`${kind} waited for ${longestMs.toFixed(0)} ms`);
  }
}

function questions(target: Target, where: Where): readonly Question[] {
  const { addresses, sdkKey, flagKey } = target;
  const body = webhookBody(addresses, target.good, Math.floor(Date.now() / 1000)).toString();
  const json = { 'content-type': 'application/json' };
  const decisions = (where.agents ?? target.agents).map(
    (api, i): Question => ({
      ...{ kind: `decide at agent ${i}`, url: `${api}/v1/decide?keys=${flagKey}`, method: 'POST' },
      headers: { ...json, 'x-optimizely-sdk-key': sdkKey },
      body: JSON.stringify({ userId: 'bystander', decideOptions: ['DISABLE_DECISION_EVENT'] }),
      ...{ expected: 200, pauseMs: 10 },
    }),
  );
  const probes = (where.probes ?? addresses.agents.map(({ admin }) => `${admin}/health/live`)).map(
    (url, i): Question => ({
      ...{ kind: `probe ${i}`, url, method: 'GET', headers: {}, body: '', expected: 200, pauseMs: 50 },
    }),
  );
  const webhook: Question = {
    ...{ kind: 'webhook', url: where.webhook ?? addresses.webhook, method: 'POST', body },
    headers: { ...json, [SIGNATURE_HEADER]: sign(target, body) },
    ...{ expected: 204, pauseMs: 250 },
  };
  return [...decisions, ...probes, webhook];
}
