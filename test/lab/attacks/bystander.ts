// Those who want something of the system while it is attacked: they go on deciding, probing and sending signed webhooks, from
// a thread of their own, so that the attacker's own work is not taken for a stall of the system.

import { Worker } from 'node:worker_threads';
import { SIGNATURE_HEADER } from '../../../core/webhook.ts';
import { webhookBody } from '../../../infra/local/stack/client.ts';
import { judgeStalls, type Question, type Seen, type Sight } from './stall.ts';
import type { Target } from './target.ts';
import { sign } from './webhook/webhook-post.ts';

export interface Where {
  /** Where signed webhooks go; default: to the function. */
  readonly webhook?: string;
  /** Asked as an orchestrator does; default: the admin ports of the agents. */
  readonly probes?: readonly string[];
  readonly agents?: readonly string[];
}

/**
 * Runs it while the others go on. The figures are noted.
 * @throws Broken when one of them fails, or is stalled for longer than the machine accounts for
 */
export async function besideOthers(
  target: Target,
  run: () => Promise<unknown>,
  where: Where = {},
): Promise<void> {
  target.note(judgeStalls(await seenByOthers(target, run, where)));
}

/** What they saw meanwhile; not judged. @throws what `run` throws */
export async function seenByOthers(
  target: Target,
  run: () => Promise<unknown>,
  where: Where = {},
): Promise<Sight> {
  const asking = startThread<readonly Seen[]>('./bystander-thread.ts', questions(target, where));
  const control = startThread<number>('./control-thread.ts', null);
  try {
    await run();
  } finally {
    await Promise.allSettled([asking.end(), control.end()]); // Thrown below; what `run` threw comes first.
  }
  return { all: await asking.end(), slowdown: Math.max(1, await control.end()) };
}

/** A thread that works until it is told to end, and then says what came of it. */
function startThread<T>(program: string, workerData: unknown): { end: () => Promise<T> } {
  const worker = new Worker(new URL(program, import.meta.url), { workerData });
  const result = new Promise<T>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  result.catch(() => {}); // Told when it ends.
  const end = () => {
    worker.postMessage('end');
    return result;
  };
  return { end };
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
