// `npm run bench -- path`: one change on its way through services that are as far away as the real ones, request by request, and
// the processor time that it takes on the way. One agent; warm, as the changes before have paid for code and connections.

import { setTimeout as sleep } from 'node:timers/promises';
import { type DatafileJson, generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../../infra/local/optimizely/flip-flag.ts';
import { putDatafile, sendWebhook } from '../../../../infra/local/stack/client.ts';
import type { Part } from '../../../../infra/local/stack/part.ts';
import { type Stack, startStack } from '../../../../infra/local/stack/stack.ts';
import { parseRequestLine } from '../../../../infra/local/tools/distance.ts';
import type { Goal } from '../goals.ts';
import { processorMs } from '../processor-time.ts';
import { median, type Summary, summarise } from '../stats.ts';
import { Watcher } from '../watch.ts';
import { startDelayedLink } from './delayed-link.ts';

export interface PathOptions {
  readonly changes: number;
  readonly progress: (line: string) => void;
}

/** A part of the way, ms from the sending of the webhook. */
export interface Leg {
  readonly what: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface PathReport {
  readonly changes: number;
  readonly datafileBytes: number;
  readonly seenMs: Summary;
  readonly answerMs: Summary;
  /** Processor time until the decision is seen, medians, ms. */
  readonly webhookCpuMs: number;
  readonly agentCpuMs: number;
  /** Of the change that took the median time. */
  readonly timeline: readonly Leg[];
  readonly goals: readonly Goal[];
}

/** In one region of AWS, and Optimizely's CDN from there. */
export const DISTANCES = {
  cdn: { readMs: 40, writeMs: 40 },
  s3: { readMs: 15, writeMs: 25 },
  sns: { readMs: 15, writeMs: 15 },
} as const;
/** To the bus, one way. */
const BUS_MS = 1;
const FLAGS = 100;
const WARM_UP_CHANGES = 20;
const SETTLE_MS = 500;
const CHANGE_TIMEOUT_MS = 10_000;
/** No change can be there sooner: the CDN has to be asked, and the record written. */
const WATCH_FROM_MS = 50;

const SEEN_MS_MAX = 90;
const CPU_MS_MAX = 10;

interface Measured {
  readonly seenMs: number;
  readonly answerMs: number;
  readonly webhookCpuMs: number;
  readonly agentCpuMs: number;
  readonly timeline: readonly Leg[];
}

export async function measurePath({ changes, progress }: PathOptions): Promise<PathReport> {
  progress('starting the stack with one agent, its services at a distance …');
  const links: { close(): void }[] = [];
  const farBus = async (wsUrl: string) => {
    const link = await startDelayedLink(Number(new URL(wsUrl).port), BUS_MS);
    links.push(link);
    return { FANOUT_NATS_URL: `ws://127.0.0.1:${link.port}` };
  };
  let datafile = generateDatafile({ flags: FLAGS });
  const stack = await startStack({
    agents: 1,
    datafile,
    reconcileIntervalMs: null,
    distances: DISTANCES,
    lambdaEnv: ({ natsWs }) => farBus(natsWs),
    agentEnv: ({ natsWs }) => farBus(natsWs),
  });
  try {
    const bench = new PathBench(stack);
    progress(`${WARM_UP_CHANGES} changes to warm up, then ${changes} to measure …`);
    const measured: Measured[] = [];
    for (let i = 0; i < WARM_UP_CHANGES + changes; i++) {
      const flagKey = `flag_${(i % FLAGS) + 1}`;
      datafile = flipFlag(datafile, flagKey);
      const change = await bench.change(datafile, flagKey);
      if (i >= WARM_UP_CHANGES) measured.push(change);
    }
    bench.close();
    return report(measured, Buffer.byteLength(JSON.stringify(datafile)));
  } finally {
    await stack.stop();
    for (const link of links) link.close();
  }
}

class PathBench {
  readonly #stack: Stack;
  readonly #watcher: Watcher;
  readonly #agent: Part;
  #legs: Leg[] = [];
  #sentAtMs = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
    const [agent] = stack.agents;
    if (agent === undefined) throw new Error('The stack has no agent');
    this.#agent = agent.part;
    this.#watcher = new Watcher(agent.api, stack.addresses.sdkKey);
    const { cdn, s3, sns } = stack.parts;
    const parts = { CDN: cdn, S3: s3, SNS: sns };
    for (const [name, part] of Object.entries(parts)) part?.onLine((line) => this.#note(name, line));
  }

  async change(datafile: DatafileJson, flagKey: string): Promise<Measured> {
    const before = await this.#watcher.decide(flagKey);
    await putDatafile(this.#stack.addresses, datafile);
    await sleep(SETTLE_MS);
    this.#legs = [];
    const { webhook } = this.#stack.parts;
    const [webhookMs, agentMs] = [processorMs(webhook.pid ?? 0), processorMs(this.#agent.pid ?? 0)];
    this.#sentAtMs = Date.now();
    const startMs = performance.now();
    const answered = this.#answered(datafile, startMs);
    const deadlineMs = startMs + CHANGE_TIMEOUT_MS;
    const sighting = await this.#watcher.waitFor(flagKey, !before, startMs + WATCH_FROM_MS, deadlineMs);
    const webhookCpuMs = processorMs(webhook.pid ?? 0) - webhookMs;
    const agentCpuMs = processorMs(this.#agent.pid ?? 0) - agentMs;
    if (sighting.seenAtMs === null) throw new Error(`The agent never decided otherwise on ${flagKey}`);
    const seenMs = sighting.seenAtMs - startMs;
    const answerMs = await answered;
    const ends = [
      { what: 'agent decides anew', fromMs: seenMs, toMs: seenMs },
      { what: 'webhook answered', fromMs: answerMs, toMs: answerMs },
    ];
    const timeline = [...this.#legs, ...ends].sort((a, b) => a.fromMs - b.fromMs);
    return { seenMs, answerMs, webhookCpuMs, agentCpuMs, timeline };
  }

  close(): void {
    this.#watcher.close();
  }

  async #answered(datafile: DatafileJson, startMs: number): Promise<number> {
    const response = await sendWebhook(this.#stack.addresses, datafile);
    await response.arrayBuffer();
    if (response.status !== 204) throw new Error(`The webhook answered ${response.status}, not 204`);
    return performance.now() - startMs;
  }

  #note(service: string, text: string): void {
    const line = parseRequestLine(text);
    if (line === null) return;
    const { request, fromMs, toMs } = line;
    this.#legs.push({
      what: `${service} ${shortened(request)}`,
      fromMs: fromMs - this.#sentAtMs,
      toMs: toMs - this.#sentAtMs,
    });
  }
}

/** Hashes are 64 characters. */
const shortened = (request: string): string => request.replace(/([0-9a-f]{8})[0-9a-f]{56}/, '$1…');

function report(measured: readonly Measured[], datafileBytes: number): PathReport {
  const seenMs = summarise(measured.map((one) => one.seenMs));
  const webhookCpuMs = median(measured.map((one) => one.webhookCpuMs));
  const agentCpuMs = median(measured.map((one) => one.agentCpuMs));
  const usual = measured.find((one) => one.seenMs === seenMs.p50);
  return {
    changes: measured.length,
    datafileBytes,
    seenMs,
    answerMs: summarise(measured.map((one) => one.answerMs)),
    webhookCpuMs,
    agentCpuMs,
    timeline: usual?.timeline ?? [],
    goals: [
      { name: 'webhook sent → decision seen', value: seenMs.p50, limit: SEEN_MS_MAX, unit: 'ms' },
      { name: 'processor time of it', value: webhookCpuMs + agentCpuMs, limit: CPU_MS_MAX, unit: 'ms' },
    ],
  };
}
