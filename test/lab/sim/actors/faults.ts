// Chooses the faults of a run at random: weather that lasts for a while, and single faults (kills, power
// cuts, restarts, clock jumps, rotten disks, a bucket put back).

import type { NatsServer } from '../services/nats-server.ts';
import type { Stage } from '../stage.ts';
import type { AgentProcess } from './agent-process.ts';
import type { Script } from './script.ts';
import type { Fault } from './weather.ts';

const CLOCK_JUMP_MAX_MS = 3_600_000;
/** By agents that connect. */
const CHANGES_MET = 3;
/** While the answers of swaps are lost. */
const OPERATIONS = 3;
const OPERATED_MS = 4_000;

/** A fault, the actors that it may hit ('' is all), and how long it may last. */
const WEATHER: readonly (readonly [Fault, readonly string[], number])[] = [
  ['s3-errors', ['', 'webhook', 'reconcile', 'agent-1', 'agent-2'], 25_000],
  ['s3-throttle', ['', 'webhook', 'agent'], 15_000],
  ['s3-slow', ['', 'webhook', 'agent-2', 'agent'], 20_000],
  ['s3-late-write', ['', 'webhook', 'reconcile'], 20_000],
  ['s3-lost-answer', ['', 'webhook', 'reconcile', 'refetch'], 20_000],
  ['s3-corrupt-read', ['', 'agent', 'bridge'], 15_000],
  ['s3-cut-read', ['', 'agent'], 15_000],
  ['sns-errors', [''], 20_000],
  ['sns-lost-answer', [''], 20_000],
  ['sns-delay', ['bridge', 'refetch', 'bridge-far'], 40_000],
  ['sns-repeat', ['bridge', 'refetch'], 30_000],
  ['sns-drop-to-retry', ['bridge', 'refetch'], 20_000],
  ['bus-drop', ['agent', 'agent-1', 'agent-2', 'agent-3'], 15_000],
  ['bus-repeat', ['agent', 'agent-3'], 30_000],
  ['bus-reorder', ['agent', 'agent-1'], 20_000],
  ['bus-corrupt', ['agent', 'agent-2'], 15_000],
  ['bus-slow', ['', 'webhook', 'bridge', 'agent', 'agent-1'], 30_000],
  ['bus-lost-ack', ['', 'webhook', 'bridge', 'agent-2'], 15_000],
  ['bus-blackhole', ['agent-1', 'agent-2', 'webhook', 'bridge', 'reconcile', 'agent'], 45_000],
  ['cdn-stale', ['', 'webhook', 'reconcile', 'agent'], 30_000],
  ['cdn-errors', ['', 'webhook', 'reconcile'], 30_000],
  ['cdn-cut-body', ['', 'webhook'], 15_000],
  ['cdn-other-key', ['', 'webhook', 'agent', 'reconcile'], 15_000],
  ['cdn-slow', ['', 'webhook'], 20_000],
  ['webhook-lost', ['webhook'], 30_000],
  ['webhook-late', ['webhook'], 30_000],
  ['webhook-repeat', ['webhook'], 30_000],
  ['lambda-crash', ['', 'webhook', 'bridge', 'reconcile', 'refetch'], 30_000],
  ['schedule-stopped', ['reconcile'], 300_000],
  ['disk-errors', ['agent', 'agent-1'], 15_000],
  ['disk-crash', ['agent', 'agent-1'], 30_000],
];

export class Faults {
  readonly #stage: Stage;
  readonly #script: Script;

  constructor(stage: Stage, script: Script) {
    this.#stage = stage;
    this.#script = script;
    for (const agent of stage.agents) agent.disk.crash = () => this.#fell(agent, false);
  }

  pauseMs(): number {
    return this.#stage.world.dice.int(500, 9_000);
  }

  strike(): void {
    const { dice } = this.#stage.world;
    const kind = dice.next();
    if (kind < 0.62) this.#blow();
    else if (kind < 0.84) this.#strikeAgent();
    else if (kind < 0.93) this.#restartBus();
    else if (kind < 0.945) this.#script.operate();
    else if (kind < 0.96) this.#operateMeanwhile();
    else if (kind < 0.98) this.#script.restore();
    else this.#jumpClock();
  }

  /** Ends all faults: servers that are down come up. */
  end(): void {
    this.#stage.weather.calm();
    for (const bus of this.#stage.buses) bus.start();
    for (const agent of this.#stage.agents) if (agent.supply === null) agent.start();
  }

  #blow(): void {
    const { world, weather } = this.#stage;
    const { dice } = world;
    const [fault, at, durationMaxMs] = dice.pick(WEATHER);
    const share = dice.pick([0.15, 0.5, 0.9, 1]);
    weather.begin(fault, share, dice.pick(at), dice.int(500, durationMaxMs));
  }

  #strikeAgent(): void {
    const { dice } = this.#stage.world;
    this.#fell(dice.pick(this.#stage.agents), dice.chance(0.4));
  }

  #fell(agent: AgentProcess, cutsPower: boolean): void {
    const { world } = this.#stage;
    const { dice } = world;
    if (agent.supply === null) return;
    agent.kill(cutsPower);
    const kind = dice.next();
    if (kind < 0.15) agent.disk.rot(dice.next);
    else if (kind < 0.3) agent.disk.replace();
    world.after(dice.pick([50, 1_000, 8_000, 30_000]), () => {
      this.#start(agent);
    });
  }

  #start(agent: AgentProcess): void {
    if (agent.supply !== null) return;
    agent.start();
    if (this.#stage.weather.blows('disk-errors', agent.actor.name))
      this.#stage.checksOf(agent).diskTroubled();
  }

  #restartBus(): void {
    const { world, buses, keys, record } = this.#stage;
    const { dice } = world;
    const bus: NatsServer = dice.pick(buses);
    // The bus must not forget while the record has been put back: nothing else knows the later versions. See Script.restore().
    const mustRemember = keys.some((sdkKey) => record.isForked(sdkKey));
    bus.stop(mustRemember || dice.chance(0.6));
    const downMs = dice.pick([20, 500, 4_000, 25_000]);
    world.after(downMs, () => bus.start());
    if (dice.chance(0.3)) this.#restartZone(bus, downMs);
  }

  /** Its agents went down with it, are back before it, and meet changes over slow links as they connect. */
  #restartZone(bus: NatsServer, downMs: number): void {
    const { agents, world, weather } = this.#stage;
    const { dice } = world;
    for (const agent of agents)
      if (agent.bus === bus && agent.supply !== null) {
        agent.kill(false);
        world.after(downMs / 2, () => this.#start(agent));
      }
    world.after(downMs, () => weather.begin('bus-slow', 1, 'agent', 3_000));
    const change = () => weather.isCalm || this.#script.change();
    for (let i = 0; i < CHANGES_MET; i++) world.after(downMs + dice.int(50, 1_500), change);
  }

  /** Operators step in between a swap and its answer, which is lost: what the writer meets at its next try is not what it wrote. */
  #operateMeanwhile(): void {
    const { world, weather } = this.#stage;
    weather.begin('s3-lost-answer', 0.5, 'webhook', OPERATED_MS);
    this.#script.change();
    for (let i = 0; i < OPERATIONS; i++)
      world.after(world.dice.int(50, OPERATED_MS), () => weather.isCalm || this.#script.operate());
  }

  #jumpClock(): void {
    const { agents, publishers, world } = this.#stage;
    const { dice } = world;
    const functions = [publishers.webhook, ...publishers.reconciles].flatMap((lambda) => lambda.actors());
    const actor = dice.pick([...agents.map((agent) => agent.actor), ...functions]);
    actor.skewMs = dice.chance(0.3) ? 0 : dice.int(-CLOCK_JUMP_MAX_MS, CLOCK_JUMP_MAX_MS);
    actor.note(`its clock jumps to ${actor.skewMs} ms off`);
  }
}
