// Which processes the stack is made of, and the command that starts each. Starts nothing itself.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FanoutError } from '../../../core/errors.ts';
import { ROOT_DIR } from '../root.ts';
import { createNatsServer } from '../tools/nats-server.ts';
import { type Env, LAMBDAS, type LambdaName, lambdaEnv, type StackFacts } from './env.ts';
import { RETRY_DELAYS_MS_LOCAL, type StackOptions } from './options.ts';
import { Part, type PartSpec } from './part.ts';
import type { StackPorts } from './plan.ts';
import type { Reaper } from './reaper-client.ts';

export { ROOT_DIR };

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** As in serverless.yml. */
const LAMBDA_TIMEOUTS_MS: Readonly<Record<LambdaName, number>> = {
  webhook: 10_000,
  bridge: 30_000,
  reconcile: 60_000,
};

export const lambdaBundle = (name: LambdaName): string =>
  join(ROOT_DIR, 'dist', 'functions', name, 'index.mjs');
export const AGENT_BUNDLE = join(ROOT_DIR, 'dist', 'agent', 'main.mjs');

/** @throws FanoutError STACK_FAILED when a bundle is missing */
export function requireBundles(): void {
  const missing = [...LAMBDAS.map(lambdaBundle), AGENT_BUNDLE].filter((path) => !existsSync(path));
  if (missing.length === 0) return;
  throw new FanoutError({
    code: 'STACK_FAILED',
    message: `Not built: ${missing.join(', ')}`,
    remedy: 'Run `npm run build` first.',
    retryable: false,
  });
}

export interface StackParts {
  readonly nats: Part;
  /** Missing when another S3 is in use. */
  readonly s3?: Part;
  readonly sns: Part;
  readonly cdn: Part;
  readonly webhook: Part;
  readonly bridge: Part;
  readonly reconcile: Part;
}

export interface PartsPlan {
  readonly facts: StackFacts;
  readonly ports: StackPorts;
  readonly dir: string;
  readonly serverPath: string;
  readonly options: StackOptions;
  readonly reaper: Reaper;
}

/** Everything but the agents, nothing started. */
export async function createParts({
  facts,
  ports,
  dir,
  serverPath,
  options,
  reaper,
}: PartsPlan): Promise<StackParts> {
  const { urls } = facts;
  const more = typeof options.lambdaEnv === 'function' ? await options.lambdaEnv(urls) : options.lambdaEnv;
  const envOf = (name: LambdaName) => ({ ...lambdaEnv(facts, process.env, name), ...more });
  const subscriptions = [
    { functionName: 'bridge', invokeUrl: `${urls.bridge}/invoke`, kind: 'published' },
    { functionName: 'reconcile', invokeUrl: `${urls.reconcile}/invoke`, kind: 'refetch' },
  ];
  const retryDelaysMs = options.retryDelaysMs ?? RETRY_DELAYS_MS_LOCAL;
  const nats = {
    serverPath,
    dir: join(dir, 'nats'),
    port: ports.nats,
    wsPort: ports.natsWs,
    payloadBytesMax: options.natsPayloadBytesMax,
    more: options.natsConfig,
  };
  const distanceOf = (name: 's3' | 'sns' | 'cdn') => ({ distance: options.distances?.[name] });
  return {
    nats: await createNatsServer(nats, reaper),
    ...(!facts.usesForeignS3 && {
      s3: standInPart('s3', { port: ports.s3, dir: join(dir, 's3'), ...distanceOf('s3') }, reaper),
    }),
    sns: standInPart('sns', { port: ports.sns, subscriptions, retryDelaysMs, ...distanceOf('sns') }, reaper),
    cdn: standInPart('cdn', { port: ports.cdn, dir: join(dir, 'cdn'), ...distanceOf('cdn') }, reaper),
    webhook: lambdaPart('webhook', ports.webhook, envOf('webhook'), reaper),
    bridge: lambdaPart('bridge', ports.bridge, envOf('bridge'), reaper),
    reconcile: lambdaPart('reconcile', ports.reconcile, envOf('reconcile'), reaper),
  };
}

function standInPart(kind: 's3' | 'sns' | 'cdn', options: object, reaper: Reaper): Part {
  return new Part(nodePart(kind, [here('../tools/serve.ts'), kind, JSON.stringify(options)]), reaper);
}

function lambdaPart(name: LambdaName, port: number, env: Env, reaper: Reaper): Part {
  const options = {
    bundle: lambdaBundle(name),
    functionName: `datafile-fanout-${name}`,
    trigger: name === 'webhook' ? 'http' : 'invoke',
    port,
    timeoutMs: LAMBDA_TIMEOUTS_MS[name],
  };
  return new Part(
    { ...nodePart(name, [here('../aws/lambda-main.ts'), JSON.stringify(options)]), env },
    reaper,
  );
}

export function agentPart(
  name: string,
  env: Env,
  readyUrl: string,
  reaper: Reaper,
  within: readonly string[] = [],
): Part {
  const readiness = () =>
    fetch(readyUrl).then(
      async (response) => {
        await response.arrayBuffer();
        return response.ok;
      },
      () => false, // Not listening yet.
    );
  const [command = process.execPath, ...args] = [...within, process.execPath, AGENT_BUNDLE];
  return new Part({ name, command, args, env, readiness }, reaper);
}

function nodePart(name: string, args: readonly string[]): PartSpec {
  return { name, command: process.execPath, args, readiness: 'message' };
}
