// The stacks that faults happen on, each of real processes: as `npm run up` starts them; with the shipped bus, one server
// with TLS and users or a cluster of three; with an agent in a network of its own; with two hundred subscribers beside it.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { generateDatafile } from '../../../infra/local/optimizely/datafile.ts';
import type { StackOptions } from '../../../infra/local/stack/options.ts';
import { type Stack, startStack } from '../../../infra/local/stack/stack.ts';
import {
  type Arrangement,
  PASSWORDS,
  type ShippedNats,
  startShippedNats,
} from '../../support/bus/shipped-nats.ts';
import { SUBSCRIBERS, type Subscribers, startSubscribers } from './clients/subscribers.ts';
import { blockedWithoutRoot, tool } from './machine.ts';
import { AGENT_ADDRESS, type AgentNetwork, createNetwork, HOST_ADDRESS } from './network.ts';
import { RECONCILE_INTERVAL_MS } from './rules.ts';

export type StageName = 'plain' | 'cluster' | 'secure' | 'network' | 'storm';

export interface Stage {
  readonly stack: Stack;
  /** The bus that the parts use, where it is not the stack's own. */
  readonly bus?: ShippedNats;
  readonly network?: AgentNetwork;
  readonly subscribers?: Subscribers;
  /** A file system of a few megabytes that agent 1 keeps its cache on. */
  readonly smallDisk?: string;
  /** What agent 2's clock is off by, in ms. */
  readonly clockFile?: string;
  /** Of agents whose workers shall each be asked. */
  readonly askersOf?: Readonly<Record<number, number>>;
  notes?(): string[];
  close(): Promise<void>;
}

/** Of agents on `plain`: the first has workers, the second a small disk, the third a clock that can jump. */
export const [WORKERS_AGENT, SMALL_DISK_AGENT, CLOCK_AGENT] = [0, 1, 2];
const WORKERS = 2;
const SMALL_DISK_SIZE = '3m';
const CLOCK_HOOK = pathToFileURL(join(import.meta.dirname, 'clock-hook.mjs')).href;

export const smallDiskBlocked = (): string | undefined => blockedWithoutRoot('mount', 'umount');

const OPTIONS: StackOptions = {
  datafile: generateDatafile({ flags: 20 }),
  reconcileIntervalMs: RECONCILE_INTERVAL_MS,
};

export const STAGES: Readonly<Record<StageName, () => Promise<Stage>>> = {
  plain: startPlain,
  cluster: () => startWithBus('cluster'),
  secure: () => startWithBus('single'),
  network: startInNetwork,
  storm: startWithSubscribers,
};

async function startPlain(): Promise<Stage> {
  const dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-chaos-'));
  const clockFile = join(dir, 'clock');
  const cacheDirs = [0, 1, 2].map((i) => join(dir, `agent-${i}`));
  await Promise.all(cacheDirs.map((cacheDir) => mkdir(cacheDir)));
  const smallDisk = smallDiskBlocked() === undefined ? cacheDirs[SMALL_DISK_AGENT] : undefined;
  if (smallDisk !== undefined)
    tool('mount', '-t', 'tmpfs', '-o', `size=${SMALL_DISK_SIZE}`, 'chaos', smallDisk);
  const cleanUp = async () => {
    if (smallDisk !== undefined) tool('umount', smallDisk);
    await rm(dir, { recursive: true, force: true });
  };
  const more: Readonly<Record<number, Record<string, string>>> = {
    [WORKERS_AGENT as number]: { AGENT_WORKERS: String(WORKERS) },
    [CLOCK_AGENT as number]: { NODE_OPTIONS: `--import=${CLOCK_HOOK}`, CHAOS_CLOCK_FILE: clockFile },
  };
  const agentEnv = (_: unknown, index: number) => more[index] ?? {};
  const stack = await startStack({ ...OPTIONS, agents: 3, cacheDirs, agentEnv }).catch(failing(cleanUp));
  return {
    stack,
    clockFile,
    askersOf: { [WORKERS_AGENT as number]: WORKERS },
    ...(smallDisk !== undefined && { smallDisk }),
    close: () => stack.stop().finally(cleanUp),
  };
}

async function startWithBus(arrangement: Arrangement): Promise<Stage> {
  const bus = await startShippedNats(arrangement);
  const shared = {
    FANOUT_NATS_URL: bus.servers.map(({ wssUrl }) => wssUrl).join(','),
    NODE_EXTRA_CA_CERTS: bus.caFile,
  };
  const userEnv = (user: 'publisher' | 'agent') => ({
    ...shared,
    FANOUT_NATS_USER: user,
    FANOUT_NATS_PASSWORD: PASSWORDS[user],
  });
  const stack = await startStack({
    ...OPTIONS,
    agents: 2,
    lambdaEnv: { ...userEnv('publisher'), FANOUT_NATS_REPLICAS: String(bus.servers.length) },
    agentEnv: userEnv('agent'),
  }).catch(failing(bus.close));
  return { stack, bus, close: () => stack.stop().finally(bus.close) };
}

async function startInNetwork(): Promise<Stage> {
  const stack = await startStack({ ...OPTIONS, agents: 1 });
  const { natsWs, s3 } = stack.urls;
  try {
    const network = await createNetwork({ bus: Number(new URL(natsWs).port), s3: Number(new URL(s3).port) });
    const close = () => stack.stop().finally(network.close);
    const env = {
      OPTIMIZELY_SERVER_HOST: AGENT_ADDRESS,
      OPTIMIZELY_SERVER_ALLOWEDHOSTS: AGENT_ADDRESS,
      FANOUT_NATS_URL: `ws://${HOST_ADDRESS}:${network.wires.bus.port}`,
      FANOUT_S3_ENDPOINT: `http://${HOST_ADDRESS}:${network.wires.s3.port}`,
    };
    await stack.addAgent({ env, host: AGENT_ADDRESS, within: network.within }).catch(failing(network.close));
    return { stack, network, close };
  } catch (error) {
    await stack.stop();
    throw error;
  }
}

async function startWithSubscribers(): Promise<Stage> {
  const stack = await startStack({ ...OPTIONS, agents: 1 });
  const { addresses, urls } = stack;
  const subscribers = await startSubscribers(urls.natsWs, addresses.sdkKey).catch(
    failing(() => stack.stop()),
  );
  return {
    stack,
    subscribers,
    notes: () => [`${SUBSCRIBERS} subscribers beside the agent had to converge as well`],
    close: () => subscribers.close().finally(() => stack.stop()),
  };
}

/** Cleans up behind a start that failed, and fails as it did. */
const failing =
  (cleanUp: () => Promise<void>) =>
  async (error: unknown): Promise<never> => {
    await cleanUp();
    throw error;
  };
