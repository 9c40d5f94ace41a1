// The process: environment in, signals, exit codes. 0 after a clean stop, 1 when it fails, 2 for wrong settings. Where there
// are several workers it is their primary; their own program is worker-main.ts.

import '../io/compile-early.ts';
import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { errorFields, isFanoutError } from '../core/errors.ts';
import { openOutboundRoute, outboundRouteInvalid } from '../io/http/outbound-route.ts';
import { createLog } from '../io/log.ts';
import { realClock } from '../io/real-clock.ts';
import { Agent, type AgentDeps, type RunningAgent } from './agent.ts';
import { type AgentConfig, loadConfig, loadConfigFile, type Machine } from './config/config.ts';
import { Rehearsal } from './decisions/rehearsal.ts';
import { runCli } from './process/cli.ts';
import { limitHeap } from './process/heap.ts';
import { startTracing } from './tracing/tracing.ts';

const EXIT_FAILED = 1;
const EXIT_CONFIG = 2;

const clock = realClock(Date.now);

async function main(): Promise<void> {
  const outboundRoute = openOutboundRoute(process.env);
  const readText = (path: string) => readFileSync(path, 'utf8');
  const loadFile = () => loadConfigFile(process.env.OPTIMIZELY_CONFIG_FILENAME, readText);
  const asked = await runCli(
    { args: process.argv.slice(2), env: process.env, readText, loadFile, machine: machine(), outboundRoute },
    { out: console.log, error: console.error },
  );
  if (asked !== null) process.exit(asked);
  if (outboundRoute.problems.length > 0) throw outboundRouteInvalid(outboundRoute.problems);
  const file = await loadFile();
  const config = await loadConfig(process.env, readText, file, machine());
  const { agentName, logLevel, logPretty: pretty, logSdkKeys: sdkKeys } = config;
  const log = createLog({ service: 'agent', name: agentName }, logLevel, { pretty, sdkKeys });
  for (const warning of [...outboundRoute.warnings, ...config.warnings])
    log.warn('config.warning', { warning });
  const agent = await createAgent(config, {
    clock,
    random: Math.random,
    monotonicMs: () => performance.now(),
    log,
    tracing: config.workers === 1 ? startTracing(config, { clock, log }) : null,
    onSwapped: limitHeap(),
  });
  let stopping = false;
  const onSignal = async (signal: string) => {
    // A second signal means that the operator does not want to wait.
    if (stopping) process.exit(EXIT_FAILED);
    stopping = true;
    log.info('agent.stopping', { signal });
    await agent.stop();
    log.info('agent.stopped');
    process.exit(0);
  };
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, (signal) => onSignal(signal).catch(fail));
  const ports = await agent.start();
  log.info('agent.started', {
    ...ports,
    workers: config.workers,
    settings: file === null ? 'no file; environment and defaults' : resolve(file.path),
    sdkKeys: config.keys.map(({ sdkKey }) => sdkKey),
    bus: config.nats === null ? 'off' : 'on',
    record: config.s3?.bucket ?? 'off: datafiles come from the CDN alone',
    cacheDir: config.cacheDir ?? 'off: a restart begins without a datafile',
    ...(outboundRoute.summary === null ? {} : { outboundRoute: outboundRoute.summary }),
    startedInMs: Math.round(performance.now()),
  });
  // Where there are workers, it is they who build.
  if (config.workers === 1) new Rehearsal({ clock, log }).start();
}

/** From the sources and from the bundle alike. */
const workerProgram = () =>
  fileURLToPath(new URL(`./worker-main${extname(import.meta.url)}`, import.meta.url));

async function createAgent(config: AgentConfig, deps: AgentDeps): Promise<RunningAgent> {
  if (config.workers === 1) return new Agent(config, deps);
  const { createSpawn } = await import('./workers/spawn.ts');
  // Their processes load while this one goes on.
  const spawn = createSpawn(workerProgram(), config.workers);
  return new (await import('./workers/primary.ts')).Primary(config, deps, spawn);
}

/** What a container may use, where it has limits. */
function machine(): Machine {
  const limitBytes = process.constrainedMemory();
  const memoryBytes = limitBytes > 0 ? Math.min(limitBytes, totalmem()) : totalmem();
  return { cores: availableParallelism(), memoryBytes };
}

function fail(error: unknown): void {
  const wrongConfig = isFanoutError(error, 'CONFIG_INVALID');
  const name = process.env.FANOUT_NAME?.trim() || null;
  createLog({ service: 'agent', name }, 'error').error(
    wrongConfig ? 'config.invalid' : 'agent.stopped',
    errorFields(error),
  );
  process.exit(wrongConfig ? EXIT_CONFIG : EXIT_FAILED);
}

main().catch(fail);
