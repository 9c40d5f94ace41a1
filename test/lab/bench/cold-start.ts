// `npm run bench -- cold-start`: what a Lambda's first invocation and an agent's start cost, in fresh processes against a
// running local stack, and how large the bundles are.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { signWebhook } from '../../../core/webhook.ts';
import { type DatafileJson, generateDatafile } from '../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../infra/local/optimizely/flip-flag.ts';
import { putDatafile, webhookBody } from '../../../infra/local/stack/client.ts';
import { LAMBDAS, type LambdaName, lambdaEnv } from '../../../infra/local/stack/env.ts';
import { lambdaBundle } from '../../../infra/local/stack/parts.ts';
import { type Stack, startStack } from '../../../infra/local/stack/stack.ts';
import { type AgentStart, measureAgentStart } from './agent-start.ts';
import type { Goal } from './goals.ts';
import { median } from './stats.ts';

export interface LambdaOnce {
  /** Node's own start until the first line runs, ms. */
  readonly nodeMs: number;
  readonly importMs: number;
  /** Processor time of Node's start and the import, a rehearsal included. */
  readonly importCpuMs: number;
  readonly firstInvocationMs: number;
  readonly firstInvocationCpuMs: number;
  readonly rssBytes: number;
  readonly result: unknown;
}

/** A further invocation of the same process. */
export interface LambdaAgain {
  readonly ms: number;
  readonly cpuMs: number;
}

export interface LambdaColdStart {
  readonly name: LambdaName;
  readonly gzipBytes: number;
  /** Medians over the runs. */
  readonly importMs: number;
  readonly importCpuMs: number;
  readonly firstInvocationMs: number;
  readonly firstInvocationCpuMs: number;
  /** The same work in a process that has done it before; NaN where it was not measured. */
  readonly warm: LambdaAgain;
  readonly rssBytes: number;
}

export interface ColdStartReport {
  readonly runs: number;
  readonly lambdas: readonly LambdaColdStart[];
  readonly agent: AgentStart;
  readonly goals: readonly Goal[];
}

export interface ColdStartOptions {
  readonly runs: number;
  readonly progress: (line: string) => void;
}

const FLAGS = 100;
const MIB = 1024 * 1024;
const WEBHOOK_GZIP_BYTES_MAX = 400_000;
const FIRST_DECISION_MS_MAX = 400;
const IDLE_RSS_MIB_MAX = 110;
const INVOKE_TIMEOUT_MS = 60_000;
const WARM_INVOCATIONS = 10;
/** The last of them count: code is compiled further for a while. */
const WARM_COUNTED = 5;
const FIRST_BY_WARM_MAX = 1.5;

export async function measureColdStart({ runs, progress }: ColdStartOptions): Promise<ColdStartReport> {
  let datafile = generateDatafile({ flags: FLAGS });
  progress('starting the stack with one agent …');
  const stack = await startStack({ agents: 1, datafile, reconcileIntervalMs: null });
  try {
    const lambdas: LambdaColdStart[] = [];
    for (const name of LAMBDAS) {
      progress(`${name}: ${runs} cold starts …`);
      const measured: LambdaOnce[] = [];
      const warm: LambdaAgain[] = [];
      for (let run = 0; run < runs; run++) {
        // The webhook gets a new revision each time: the whole way, not the shortcut for what is known already. The others
        // find what they find a thousand times a day: that there is nothing left to do.
        if (name === 'webhook') {
          datafile = flipFlag(datafile, 'flag_1');
          await putDatafile(stack.addresses, datafile);
        }
        const lambda = await startLambda(stack, name, datafile);
        try {
          measured.push(lambda.first);
          if (name === 'webhook' && run === 0)
            for (let again = 0; again < WARM_INVOCATIONS; again++) {
              datafile = flipFlag(datafile, 'flag_1');
              await putDatafile(stack.addresses, datafile);
              warm.push(await lambda.again(eventFor(name, stack, datafile)));
            }
        } finally {
          lambda.stop();
        }
      }
      lambdas.push(await summarise(name, measured, warm.slice(-WARM_COUNTED)));
    }
    progress(`agent: ${runs} starts from the disk cache, then idle …`);
    const agent = await measureAgentStart(stack, runs);
    return { runs, lambdas, agent, goals: goals(lambdas, agent) };
  } finally {
    await stack.stop();
  }
}

interface StartedLambda {
  readonly first: LambdaOnce;
  again(event: object): Promise<LambdaAgain>;
  stop(): void;
}

async function startLambda(stack: Stack, name: LambdaName, datafile: DatafileJson): Promise<StartedLambda> {
  const { addresses, urls } = stack;
  const env = lambdaEnv(
    {
      urls,
      bucket: addresses.s3.bucket,
      webhookSecret: addresses.webhookSecret,
      datafiles: [datafile],
      usesForeignS3: false,
    },
    process.env,
  );
  const entry = fileURLToPath(new URL('./lambda-once.ts', import.meta.url));
  const child = fork(entry, [lambdaBundle(name), JSON.stringify(eventFor(name, stack, datafile))], {
    env: { ...env, NODE_OPTIONS: '--enable-source-maps', AWS_LAMBDA_FUNCTION_NAME: name },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const answer = async (): Promise<unknown> => {
    const signal = AbortSignal.timeout(INVOKE_TIMEOUT_MS);
    const failed = once(child, 'close', { signal }).then(() => {
      throw new Error(`${name} ended before it answered:\n${errors}`);
    });
    const [message] = await Promise.race([once(child, 'message', { signal }), failed]);
    return message;
  };
  const stop = () => void child.kill('SIGKILL');
  try {
    const first = (await answer()) as LambdaOnce;
    const again = (event: object) => {
      child.send(event);
      return answer() as Promise<LambdaAgain>;
    };
    return { first, again, stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** What makes each function do its main job. */
function eventFor(name: LambdaName, { addresses }: Stack, datafile: DatafileJson): object {
  if (name === 'reconcile') {
    return { source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {}, resources: [] };
  }
  if (name === 'bridge') {
    const notice = {
      schema: 1,
      kind: 'published',
      sdkKey: addresses.sdkKey,
      seq: 1,
      revision: Number(datafile.revision),
      changeId: 'bench-cold-start',
    };
    const attributes = { kind: { Type: 'String', Value: 'published' } };
    const Sns = { MessageId: 'bench', Message: JSON.stringify(notice), MessageAttributes: attributes };
    return { Records: [{ EventSource: 'aws:sns', EventVersion: '1.0', Sns }] };
  }
  const body = webhookBody(addresses, datafile, Math.floor(Date.now() / 1000));
  return {
    version: '2.0',
    routeKey: 'POST /webhooks/optimizely',
    rawPath: '/webhooks/optimizely',
    rawQueryString: '',
    headers: {
      'content-type': 'application/json',
      'x-hub-signature': signWebhook(body, addresses.webhookSecret),
    },
    requestContext: { requestId: 'bench', http: { method: 'POST', path: '/webhooks/optimizely' } },
    body: body.toString(),
    isBase64Encoded: false,
  };
}

async function summarise(
  name: LambdaName,
  measured: readonly LambdaOnce[],
  warm: readonly LambdaAgain[],
): Promise<LambdaColdStart> {
  const status = (measured.at(-1)?.result as { statusCode?: number } | undefined)?.statusCode;
  if (name === 'webhook' && status !== 204) throw new Error(`The webhook answered ${status}, not 204`);
  return {
    name,
    gzipBytes: gzipSync(await readFile(lambdaBundle(name))).byteLength,
    importMs: median(measured.map(({ importMs }) => importMs)),
    importCpuMs: median(measured.map(({ importCpuMs }) => importCpuMs)),
    firstInvocationMs: median(measured.map(({ firstInvocationMs }) => firstInvocationMs)),
    firstInvocationCpuMs: median(measured.map(({ firstInvocationCpuMs }) => firstInvocationCpuMs)),
    warm: { ms: median(warm.map(({ ms }) => ms)), cpuMs: median(warm.map(({ cpuMs }) => cpuMs)) },
    rssBytes: median(measured.map(({ rssBytes }) => rssBytes)),
  };
}

/** By processor time, which a busy machine does not change. */
function firstByWarm(lambdas: readonly LambdaColdStart[]): number {
  const webhook = lambdas.find(({ name }) => name === 'webhook');
  return webhook === undefined ? Number.NaN : webhook.firstInvocationCpuMs / webhook.warm.cpuMs;
}

const goals = (lambdas: readonly LambdaColdStart[], agent: AgentStart): Goal[] => [
  {
    name: 'webhook: first invocation ÷ warm, processor time',
    value: firstByWarm(lambdas),
    limit: FIRST_BY_WARM_MAX,
    unit: '×',
  },
  {
    name: 'webhook bundle, gzipped',
    value: (lambdas.find(({ name }) => name === 'webhook')?.gzipBytes ?? Number.NaN) / 1000,
    limit: WEBHOOK_GZIP_BYTES_MAX / 1000,
    unit: 'KB',
  },
  {
    name: 'agent: start to first decision, from disk',
    value: agent.firstDecisionMs.p50,
    limit: FIRST_DECISION_MS_MAX,
    unit: 'ms',
  },
  { name: 'agent: resident, idle', value: agent.idleRssBytes / MIB, limit: IDLE_RSS_MIB_MAX, unit: 'MB' },
];
