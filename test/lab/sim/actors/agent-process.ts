// One agent over all its lives: the real supply (sources, gate, bus health, fallback) in one process after another, on a
// disk that outlives them. Every version that it begins to serve is shown to the checks.

import { parseConfig } from '../../../../agent/config/config.ts';
import type { DatafileMetrics } from '../../../../agent/datafiles/metrics.ts';
import { S3Reader } from '../../../../agent/datafiles/sources/s3.ts';
import type { Held } from '../../../../agent/datafiles/store.ts';
import { Supply } from '../../../../agent/datafiles/supply.ts';
import type { LogEvent } from '../../../../core/log.ts';
import { objectsOf } from '../../../../io/s3.ts';
import type { LinkWatch } from '../checks/link-watch.ts';
import { agentFetch } from '../services/cdn-for.ts';
import { CheapBuilder } from '../services/cheap-sdk.ts';
import { Disk } from '../services/disk.ts';
import { connectFrom } from '../services/nats-connect.ts';
import type { SimConnection } from '../services/nats-connection.ts';
import type { NatsServer } from '../services/nats-server.ts';
import { createS3Client } from '../services/s3-client.ts';
import { Actor } from './actor.ts';
import type { Outside } from './publishers.ts';

const S3_ATTEMPTS = 1;
const S3_TIMEOUT_MS = 5_000;
const MAX_PAYLOAD = 1_048_576;
const LOGGED: ReadonlySet<LogEvent> = new Set<LogEvent>([
  'bus.available',
  'bus.unavailable',
  'candidate.rejected',
  'agent.behind',
]);

export interface AgentWatch extends LinkWatch {
  started(): void;
  ended(): void;
  served(held: Held<object>): void;
  s3Troubled(): void;
}

export class AgentProcess {
  readonly name: string;
  readonly disk: Disk;
  readonly bus: NatsServer;
  /** Null while the agent does not run. */
  supply: Supply<object> | null = null;
  actor: Actor;
  readonly #outside: Outside;
  readonly #watchOf: (agent: AgentProcess) => AgentWatch;
  readonly #connections = new Set<SimConnection>();
  #lives = 0;

  constructor(name: string, bus: NatsServer, outside: Outside, watchOf: (agent: AgentProcess) => AgentWatch) {
    this.name = name;
    this.bus = bus;
    this.#outside = outside;
    this.#watchOf = watchOf;
    this.disk = new Disk(outside.weather);
    this.actor = new Actor(name, outside.world);
  }

  start(): void {
    const { world, weather, store, optimizely, keys } = this.#outside;
    const actor = new Actor(`${this.name}.${++this.#lives}`, world);
    const watch = this.#watchOf(this);
    this.actor = actor;
    actor.note('starts');
    const client = createS3Client({
      ...{ actor, store, weather, attemptsMax: S3_ATTEMPTS, timeoutMs: S3_TIMEOUT_MS },
      onTrouble: () => watch.s3Troubled(),
    });
    const bucket = { bucket: 'simulated' };
    const line = (event: LogEvent, fields: object = {}) => {
      const { sdkKey = '', code = '', reason = '', seq = '' } = fields as Record<string, string>;
      if (LOGGED.has(event)) actor.note(`${event} ${code}${reason} ${seq}`, sdkKey);
    };
    const supply = new Supply<object>(settingsFor(keys), {
      ...{ clock: actor.clock, random: world.dice.next, monotonicMs: () => world.nowMs },
      log: { info: line, warn: line, error: line },
      ...{ metrics: NO_METRICS, builder: new CheapBuilder(actor) },
      reader: new S3Reader(bucket, async () => objectsOf(bucket, client)),
      wires: {
        connect: connectFrom({
          ...{ actor, server: this.bus, weather, watch, maxPayload: MAX_PAYLOAD },
          onConnection: (connection) => this.#connections.add(connection),
        }),
        files: this.disk.for(actor),
        fetch: agentFetch(actor, optimizely),
      },
      onAccepted: (held) => watch.served(held),
      onForgotten: () => {},
    });
    this.supply = supply;
    watch.started();
    supply.start();
    supply.startBus();
  }

  /** Kills the process between two steps. */
  kill(cutsPower: boolean): void {
    if (this.supply === null) return;
    this.actor.kill(cutsPower ? 'power cut' : 'killed');
    if (cutsPower) this.disk.cutPower(this.#outside.world.dice.next);
    for (const connection of this.#connections) connection.lostProcess();
    this.#connections.clear();
    this.supply = null;
    this.#watchOf(this).ended();
  }
}

let settings: ReturnType<typeof parseConfig> | null = null;

function settingsFor(keys: readonly string[]) {
  settings ??= parseConfig(
    {
      OPTIMIZELY_SDKKEYS: keys.join(','),
      FANOUT_NATS_URL: 'ws://127.0.0.1:1',
      FANOUT_BUCKET: 'simulated',
      FANOUT_CACHE_DIR: '/cache',
    },
    () => '',
  );
  return settings;
}

/** Nothing is measured here. */
const NO_METRICS = new Proxy({}, { get: () => () => {} }) as DatafileMetrics;
