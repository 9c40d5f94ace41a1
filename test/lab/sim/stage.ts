// Everything of one run put together: the outside, the functions, the agents, and the checks on all of them.

import { type SdkKey, toSdkKey } from '../../../core/ids.ts';
import { AgentProcess } from './actors/agent-process.ts';
import { type Outside, Publishers, type Webhook } from './actors/publishers.ts';
import { Weather } from './actors/weather.ts';
import { AgentChecks } from './checks/agent-checks.ts';
import { Findings } from './checks/findings.ts';
import { FunctionChecks } from './checks/function-checks.ts';
import { RecordChecks } from './checks/record-checks.ts';
import type { TraceLine } from './checks/trace.ts';
import { NatsServer } from './services/nats-server.ts';
import { Optimizely } from './services/optimizely.ts';
import { S3Store } from './services/s3-store.ts';
import { Sns } from './services/sns.ts';
import { World } from './world.ts';

const KEYS: readonly SdkKey[] = [toSdkKey('KeyA1234567890abcdefgh'), toSdkKey('KeyB+with/odd=charsABC')];
const AGENTS = 3;

/** A webhook may share the run of one that came before it. */
const SHARED_RUN_MS = 10_000;

export class Stage {
  readonly world: World;
  readonly weather: Weather;
  readonly findings: Findings;
  readonly keys = KEYS;
  readonly store: S3Store;
  readonly sns: Sns;
  readonly optimizely: Optimizely;
  readonly buses: readonly NatsServer[];
  readonly publishers: Publishers;
  readonly agents: readonly AgentProcess[];
  readonly record: RecordChecks;
  readonly functions: FunctionChecks;
  readonly #agentChecks = new Map<AgentProcess, AgentChecks>();
  webhooks = 0;

  constructor(seed: number, onLine: ((line: TraceLine) => void) | null) {
    const world = new World(seed, onLine);
    const weather = new Weather(world);
    const findings = new Findings(world);
    this.world = world;
    this.weather = weather;
    this.findings = findings;
    this.record = new RecordChecks(KEYS, world, findings);
    this.store = new S3Store((key, bytes, before, by) => this.record.written(key, bytes, before, by));
    this.sns = new Sns(world, weather);
    this.optimizely = new Optimizely(KEYS, world, weather);
    const home = new NatsServer('home', world);
    this.buses = world.dice.chance(0.5) ? [home, new NatsServer('far', world)] : [home];
    for (const bus of this.buses) bus.onKept = (message, before, by) => this.record.kept(message, before, by);
    this.functions = new FunctionChecks(findings, this.record, this.sns);
    const outside: Outside = {
      ...{ world, weather, store: this.store, sns: this.sns, optimizely: this.optimizely },
      ...{ buses: this.buses, keys: KEYS },
      onLine: (actor, event, fields) => this.functions.logged(actor, event, fields),
      onStart: (actor) => this.functions.started(actor.name, world.nowMs),
    };
    this.publishers = new Publishers(outside);
    this.#subscribe();
    this.agents = Array.from({ length: AGENTS }, (_, i) => {
      const bus = this.buses[i % this.buses.length] as NatsServer;
      return new AgentProcess(`agent-${i + 1}`, bus, outside, (agent) => this.checksOf(agent));
    });
  }

  checksOf(agent: AgentProcess): AgentChecks {
    let checks = this.#agentChecks.get(agent);
    if (checks === undefined) {
      checks = new AgentChecks(agent, this.world, this.findings, this.record);
      this.#agentChecks.set(agent, checks);
    }
    return checks;
  }

  get swaps(): number {
    return [...this.#agentChecks.values()].reduce((sum, { swaps }) => sum + swaps, 0);
  }

  /** Optimizely tells the receiver, which may answer, fail or crash. */
  async sendWebhook(webhook: Webhook): Promise<void> {
    const { nowMs } = this.world;
    const { sdkKey, revision } = webhook;
    this.webhooks++;
    const end = await this.publishers.webhook.invoke(webhook);
    const status = end.kind === 'answered' ? String(end.value) : end.kind;
    this.world.note('optimizely', `webhook for revision ${revision}: ${status}`, sdkKey);
    if (end.kind !== 'answered') return;
    const isBad = this.optimizely.badServedSince(sdkKey, nowMs - SHARED_RUN_MS);
    this.functions.webhookAnswered(sdkKey, revision, end.value, nowMs, isBad);
  }

  /** Every check that looks at things as they are. */
  look(): void {
    for (const agent of this.agents) this.#agentChecks.get(agent)?.look(this.keys);
  }

  #subscribe(): void {
    const { bridges, refetcher } = this.publishers;
    for (const [i, bridge] of bridges.entries())
      this.sns.subscribers.push({
        name: `bridge-${this.buses[i]?.region}`,
        kind: 'published',
        deliver: async (message) => (await bridge.invoke(message)).kind === 'answered',
      });
    this.sns.subscribers.push({
      name: 'refetch',
      kind: 'refetch',
      deliver: async (message) => {
        const { nowMs } = this.world;
        const isDone = (await refetcher.invoke(message)).kind === 'answered';
        if (isDone) this.functions.refetched(JSON.parse(message), nowMs);
        return isDone;
      },
    });
  }
}
