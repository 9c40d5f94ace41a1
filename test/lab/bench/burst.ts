// `npm run bench -- burst`: five hundred webhooks at the same moment, of every kind. Each is answered by its rule, and the
// record is right afterwards: newest revisions, no gap, no seq for what was nothing new.

import { setTimeout as sleep } from 'node:timers/promises';
import { toSdkKey } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { SIGNATURE_HEADER } from '../../../core/webhook.ts';
import { table } from '../../../infra/local/cli.ts';
import { generateDatafile } from '../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../infra/local/optimizely/flip-flag.ts';
import { decide, putDatafile } from '../../../infra/local/stack/client.ts';
import { sdkKeyOf } from '../../../infra/local/stack/env.ts';
import { type Stack, startStack } from '../../../infra/local/stack/stack.ts';
import { Bucket } from '../attacks/record/bucket.ts';
import { type BurstWebhook, burstWebhooks } from './burst-kinds.ts';
import { format, type Goal } from './goals.ts';
import { type Summary, summarise } from './stats.ts';

export interface BurstOptions {
  readonly progress: (line: string) => void;
}

export interface AnsweredKind {
  readonly kind: string;
  readonly sent: number;
  readonly expected: number;
  /** How often each status came; 0 is no answer at all. */
  readonly statuses: Readonly<Record<string, number>>;
  readonly answerMs: Summary;
}

export interface BurstReport {
  readonly sent: number;
  readonly kinds: readonly AnsweredKind[];
  /** What is wrong with the record or the agents afterwards. */
  readonly wrong: readonly string[];
  readonly goals: readonly Goal[];
}

const OTHER_KEY = 'OtherFanoutKey1234567B';
const NEW_REVISIONS = 5;
const ANSWER_TIMEOUT_MS = 30_000;
const AGENTS_TIMEOUT_MS = 10_000;
const POLL_MS = 50;
/** What Optimizely would wait for at least; API Gateway gives up after 30 s. */
const SLOWEST_MAX_MS = 10_000;

interface Answered {
  readonly webhook: BurstWebhook;
  readonly status: number;
  readonly ms: number;
}

export async function measureBurst({ progress }: BurstOptions): Promise<BurstReport> {
  const known = generateDatafile();
  const other = generateDatafile({ sdkKey: OTHER_KEY, environmentKey: 'staging' });
  progress('starting the stack …');
  const stack = await startStack({
    ...{ agents: 3, datafile: known, extraDatafiles: [other], reconcileIntervalMs: null },
  });
  const bucket = new Bucket(stack.addresses);
  try {
    const fresh = [known];
    while (fresh.length <= NEW_REVISIONS) fresh.push(flipFlag(fresh.at(-1) ?? known, 'flag_1'));
    fresh.shift();
    const newest = fresh.at(-1) ?? known;
    const ahead = flipFlag(newest, 'flag_2');
    const otherNext = flipFlag(other, 'flag_1');
    for (const datafile of [...fresh, otherNext]) await putDatafile(stack.addresses, datafile);
    const nowS = Math.floor(Date.now() / 1000);
    const { addresses } = stack;
    const webhooks = burstWebhooks({ addresses, fresh, known, other: otherNext, ahead, nowS });
    progress(`${webhooks.length} webhooks at once …`);
    const answered = await Promise.all(mixed(webhooks).map((webhook) => send(addresses.webhook, webhook)));
    const revisionOf = (datafile: { revision: string }) => Number(datafile.revision);
    const wrong = [
      ...wrongRecord(
        await bucket.manifest(toSdkKey(sdkKeyOf(newest))),
        revisionOf(newest),
        NEW_REVISIONS + 1,
      ),
      ...wrongRecord(await bucket.manifest(toSdkKey(OTHER_KEY)), revisionOf(otherNext), 2),
      ...(await wrongAgents(stack, sdkKeyOf(newest), revisionOf(newest))),
    ];
    progress('the CDN now serves what was queued …');
    await putDatafile(addresses, ahead);
    await stack.runReconcile();
    const healed = await bucket.manifest(toSdkKey(sdkKeyOf(ahead)));
    if (healed.revision !== revisionOf(ahead)) wrong.push('the queued revision did not reach the record');
    wrong.push(...(await wrongAgents(stack, sdkKeyOf(ahead), revisionOf(ahead))));
    return report(answered, wrong);
  } finally {
    bucket.close();
    await stack.stop();
  }
}

/** Kinds side by side, the same in every run: each takes every so many places. */
function mixed(webhooks: readonly BurstWebhook[]): BurstWebhook[] {
  const STRIDE = 37; // No divisor of 500.
  return webhooks.map((_, i) => webhooks[(i * STRIDE) % webhooks.length] as BurstWebhook);
}

async function send(url: string, webhook: BurstWebhook): Promise<Answered> {
  const { method, pathSuffix, body, signature } = webhook;
  const startMs = performance.now();
  const status = await fetch(`${url}${pathSuffix}`, {
    method,
    headers: {
      'content-type': 'application/json',
      ...(signature !== null && { [SIGNATURE_HEADER]: signature }),
    },
    body: new Uint8Array(body),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  }).then(
    async (response) => {
      await response.arrayBuffer();
      return response.status;
    },
    () => 0, // No answer is a figure of the report.
  );
  return { webhook, status, ms: performance.now() - startMs };
}

/** @param seqsMax one for each revision that was new */
function wrongRecord(
  { sdkKey, seq, revision, history }: Manifest,
  wanted: number,
  seqsMax: number,
): string[] {
  const wrong: string[] = [];
  if (revision !== wanted) wrong.push(`${sdkKey} is at revision ${revision}, not ${wanted}`);
  if (seq > seqsMax) wrong.push(`${sdkKey} has seq ${seq} after at most ${seqsMax} changes`);
  history.forEach((entry, i) => {
    if (entry.seq !== seq - i) wrong.push(`the history of ${sdkKey} has a gap at seq ${seq - i}`);
    const before = history[i + 1];
    if (before !== undefined && before.revision >= entry.revision)
      wrong.push(`${sdkKey} went from revision ${before.revision} to ${entry.revision}`);
  });
  return wrong;
}

async function wrongAgents({ addresses }: Stack, sdkKey: string, wanted: number): Promise<string[]> {
  const deadlineMs = performance.now() + AGENTS_TIMEOUT_MS;
  const states = addresses.agents.map(async ({ api }, i) => {
    for (;;) {
      const { revision } = await decide(api, sdkKey, 'flag_1');
      if (revision === wanted) return [];
      if (performance.now() > deadlineMs) return [`agent ${i} serves revision ${revision}, not ${wanted}`];
      await sleep(POLL_MS);
    }
  });
  return (await Promise.all(states)).flat();
}

function report(answered: readonly Answered[], wrong: readonly string[]): BurstReport {
  const byKind = Map.groupBy(answered, ({ webhook }) => webhook.kind);
  const kinds = [...byKind].map(([kind, own]): AnsweredKind => {
    const statuses: Record<string, number> = {};
    for (const { status } of own) statuses[status] = (statuses[status] ?? 0) + 1;
    const expected = own[0]?.webhook.expected ?? 0;
    return { kind, sent: own.length, expected, statuses, answerMs: summarise(own.map(({ ms }) => ms)) };
  });
  const right = answered.filter(({ webhook, status }) => status === webhook.expected).length;
  const goals: Goal[] = [
    {
      name: 'answered by their rule',
      value: (100 * right) / answered.length,
      limit: 100,
      unit: '%',
      atLeast: true,
    },
    {
      name: 'slowest answer',
      value: Math.max(...answered.map(({ ms }) => ms)),
      limit: SLOWEST_MAX_MS,
      unit: 'ms',
    },
    { name: 'wrong afterwards', value: wrong.length, limit: 0, unit: '' },
  ];
  return { sent: answered.length, kinds, wrong, goals };
}

export function burstTable({ sent, kinds, wrong }: BurstReport): string {
  const rows = kinds.map(({ kind, sent: count, expected, statuses, answerMs }) => [
    kind,
    String(count),
    String(expected),
    Object.entries(statuses)
      .map(([status, times]) => `${times} × ${status === '0' ? 'none' : status}`)
      .join(', '),
    `${format(answerMs.p50)} ms`,
    `${format(answerMs.max)} ms`,
  ]);
  const head = ['webhooks', 'sent', 'rule', 'answered', 'p50', 'max'];
  const afterwards = wrong.length === 0 ? 'the record and all agents are right' : wrong.join('\n');
  return `${sent} webhooks at once\n\n${table([head, ...rows])}\n\nafterwards: ${afterwards}`;
}
