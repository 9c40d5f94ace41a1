// The whole system on one machine, for `npm run up`, the end-to-end tests and the benches: a real nats-server, stand-ins
// for S3, SNS and the CDN, the built Lambdas and agents, each a process of its own. Nothing outlives the process that
// started it (reaper.ts).

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../../core/errors.ts';
import { datafileBytes } from '../optimizely/datafile.ts';
import { LOOPBACK_HOST } from '../tools/http.ts';
import { ensureNatsServer } from '../tools/nats-install.ts';
import { invokeReconcile, putBytes, untilInRecord } from './client.ts';
import { agentEnv, awsEnv, operatorEnv, type StackFacts, sdkKeyOf } from './env.ts';
import {
  AGENTS_DEFAULT,
  type AgentEnv,
  type PartUrls,
  RECONCILE_INTERVAL_MS,
  type StackAddresses,
  type StackOptions,
  WEBHOOK_PATH,
} from './options.ts';
import type { Part } from './part.ts';
import { keepLog } from './part-log.ts';
import { agentPart, createParts, requireBundles, type StackParts } from './parts.ts';
import { choosePorts, planStack } from './plan.ts';
import { freePorts, type PortSource, portsFrom } from './ports.ts';
import { type Reaper, startReaper } from './reaper-client.ts';
import { ensureBucket } from './s3.ts';

export interface LocalAgent {
  /** Base URLs; the same after a restart. */
  readonly api: string;
  readonly admin: string;
  readonly cacheDir: string;
  readonly part: Part;
}

export interface AgentOptions {
  readonly env?: AgentEnv;
  readonly cacheDir?: string;
  /** Where it can be reached, when it runs in a network of its own; its settings must say the same. */
  readonly host?: string;
  /** A command that runs it, for example in that network. */
  readonly within?: readonly string[];
}

/**
 * Starts everything and resolves when every agent serves what is in S3.
 * @throws FanoutError STACK_FAILED, TOOL_UNAVAILABLE; then nothing is left running
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  requireBundles();
  const serverPath = await ensureNatsServer();
  const reaper = startReaper();
  const dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-'));
  reaper.owns(dir);
  let stack: Stack | undefined;
  try {
    const portSource = options.portBase === undefined ? freePorts(Math.random) : portsFrom(options.portBase);
    const ports = await choosePorts(portSource);
    const facts = planStack(options, ports, process.env);
    const parts = await createParts({ facts, ports, dir, serverPath, options, reaper });
    stack = new Stack({ options, facts, parts, portSource, dir, reaper });
    if (options.logsDir !== undefined) await mkdir(options.logsDir, { recursive: true });
    for (const part of Object.values(parts)) keepLog(part, options.logsDir);
    await stack.start();
    return stack;
  } catch (error) {
    if (stack === undefined) await reaper.close();
    else await stack.stop();
    throw error;
  }
}

interface StackWiring {
  readonly options: StackOptions;
  readonly facts: StackFacts;
  readonly parts: StackParts;
  readonly portSource: PortSource;
  /** Everything the stack writes is in here. */
  readonly dir: string;
  readonly reaper: Reaper;
}

/** A running stack; made by `startStack`. */
export class Stack {
  readonly #wiring: StackWiring;
  readonly #agents: LocalAgent[] = [];
  #reconcileTimer: NodeJS.Timeout | undefined;
  #stopped: Promise<void> | undefined;

  constructor(wiring: StackWiring) {
    this.#wiring = wiring;
  }

  /** Kill, stop and restart them at will; `s3` is missing when another S3 is in use. */
  get parts(): StackParts {
    return this.#wiring.parts;
  }

  get agents(): readonly LocalAgent[] {
    return this.#agents;
  }

  get urls(): PartUrls {
    return this.#wiring.facts.urls;
  }

  /** As printed by `npm run up -- --json`, with the agents' current pids. */
  get addresses(): StackAddresses {
    const { urls, bucket, webhookSecret, datafiles, signing } = this.#wiring.facts;
    const [datafile] = datafiles;
    return {
      webhook: `${urls.webhook}${WEBHOOK_PATH}`,
      cdn: urls.cdn,
      s3: { endpoint: urls.s3, bucket },
      nats: { url: urls.nats, wsUrl: urls.natsWs },
      agents: this.#agents.map(({ api, admin, part }) => ({ api, admin, pid: part.pid ?? 0 })),
      projectId: datafile?.projectId ?? '',
      webhookSecret,
      sdkKey: datafile === undefined ? '' : sdkKeyOf(datafile),
      ...(signing !== undefined && { signingPublicKey: signing.publicKey }),
    };
  }

  /** Variables with which `fanout` works on this stack. */
  get operatorEnv(): Readonly<Record<string, string>> {
    return operatorEnv(this.#wiring.facts);
  }

  async start(): Promise<void> {
    const { options, facts, parts } = this.#wiring;
    const {
      agents = AGENTS_DEFAULT,
      progress = () => {},
      reconcileIntervalMs = RECONCILE_INTERVAL_MS,
    } = options;
    await Promise.all([parts.nats, parts.s3, parts.sns, parts.cdn].map((part) => part?.start()));
    progress('nats-server and the stand-ins for S3, SNS and the CDN run');
    await ensureBucket(facts.urls.s3, facts.bucket, awsEnv(process.env, facts.usesForeignS3));
    for (const [i, datafile] of facts.datafiles.entries()) {
      const body = i === 0 ? options.datafileBody : undefined;
      await putBytes(facts.urls, sdkKeyOf(datafile), body ?? datafileBytes(datafile));
    }
    await Promise.all([parts.webhook, parts.bridge, parts.reconcile].map((part) => part.start()));
    await this.runReconcile();
    progress('the functions run; reconcile has published the first datafile');
    // Made one after another, so that numbers and ports are in order; started side by side.
    for (let i = 0; i < agents; i++) await this.#createAgent({});
    await Promise.all(this.#agents.map(({ part }) => part.start()));
    const sdkKeys = facts.datafiles.map(sdkKeyOf);
    await Promise.all(this.#agents.map(({ api }) => untilInRecord(api, sdkKeys)));
    progress(`${agents} agents run and serve what is in S3`);
    if (reconcileIntervalMs !== null) this.#scheduleReconcile(reconcileIntervalMs, progress);
  }

  /** Starts one agent more and waits until it is ready. */
  async addAgent(more: AgentOptions = {}): Promise<LocalAgent> {
    const agent = await this.#createAgent(more);
    await agent.part.start();
    return agent;
  }

  /** Runs reconcile now, as its schedule would. Rejects when it fails. */
  runReconcile(): Promise<void> {
    return invokeReconcile(this.urls.reconcile);
  }

  /** Ends every process and removes every file of the stack. May be called twice. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stopAll();
    return this.#stopped;
  }

  async #stopAll(): Promise<void> {
    clearInterval(this.#reconcileTimer);
    const { parts, dir, reaper } = this.#wiring;
    // Agents first: they have events to send and connections to close.
    await Promise.all(this.#agents.map(({ part }) => part.stop()));
    await Promise.all(Object.values(parts).map((part: Part | undefined) => part?.stop()));
    await rm(dir, { recursive: true, force: true });
    await reaper.close();
  }

  async #createAgent(more: AgentOptions): Promise<LocalAgent> {
    const { options, facts, portSource, dir, reaper } = this.#wiring;
    const index = this.#agents.length;
    const place = {
      apiPort: await portSource.next(),
      adminPort: await portSource.next(),
      cacheDir: more.cacheDir ?? options.cacheDirs?.[index] ?? join(dir, `agent-${index}`),
    };
    const name = `agent-${index}`;
    const env = agentEnv(facts, { name, ...place }, process.env);
    for (const extra of [options.agentEnv, more.env]) {
      Object.assign(env, typeof extra === 'function' ? await extra(facts.urls, index) : extra);
    }
    const host = more.host ?? LOOPBACK_HOST;
    const api = `http://${host}:${place.apiPort}`;
    const part = agentPart(name, env, `${api}/health/ready`, reaper, more.within);
    keepLog(part, options.logsDir);
    const agent = {
      api,
      admin: `http://${host}:${place.adminPort}`,
      cacheDir: place.cacheDir,
      part,
    };
    this.#agents.push(agent);
    return agent;
  }

  #scheduleReconcile(intervalMs: number, progress: (line: string) => void): void {
    this.#reconcileTimer = setInterval(() => {
      this.runReconcile().catch((error: unknown) => progress(`reconcile failed: ${messageOf(error)}`));
    }, intervalMs);
  }
}
