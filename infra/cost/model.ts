// What a month costs, as plain arithmetic over prices.ts: how much of each thing the functions, the bus and the agents use. The
// amounts are assumptions with names; nothing here is measured, and nothing is read from anywhere.

import { BEAT_INTERVAL_MS } from '../../core/bus/beat.ts';
import { REPORT_WINDOW_MS } from '../../core/bus/refusal-reports.ts';
import { HOURS_PER_MONTH, PRICES } from './prices.ts';

export interface Usage {
  /** Running all month. */
  readonly agents: number;
  /** Flag changes of all environments together. */
  readonly changesPerDay: number;
  /** SDK keys that reconcile looks after. */
  readonly sdkKeys: number;
  /** SDK keys that each agent follows. */
  readonly keysPerAgent: number;
  /** Of one datafile as the bus carries it. */
  readonly compressedKb: number;
  /** Of one datafile as S3 keeps it. */
  readonly datafileKb: number;
  /** How long agents poll S3 because the bus is away. */
  readonly busDownHours: number;
}

export const DEFAULT_USAGE: Usage = {
  agents: 10,
  changesPerDay: 50,
  sdkKeys: 3,
  keysPerAgent: 1,
  compressedKb: 11,
  datafileKb: 242,
  busDownHours: 1,
};

export const PARTS = ['functions', 'record', 'watching', 'bus', 'traffic', 'agents'] as const;
export type Part = (typeof PARTS)[number];
/** In US dollars. */
export type Costs = Readonly<Record<Part, number>>;

const DAYS_PER_MONTH = HOURS_PER_MONTH / 24;
const RUNS_PER_MONTH = (HOURS_PER_MONTH * 3_600_000) / BEAT_INTERVAL_MS;
const KB_PER_GB = 1_000_000;

/** Seconds × GB of memory. A webhook mostly waits for the CDN. */
const WEBHOOK_GB_S = 0.5 * 1;
const BRIDGE_GB_S = 0.1 * 0.5;
/** Eight keys at a time; an unchanged one takes as long as a 304 from Optimizely. Then the agents' answers are heard. */
const RECONCILE_BATCH_KEYS = 8;
const reconcileGbS = (sdkKeys: number) =>
  (0.1 + 0.3 * Math.ceil(sdkKeys / RECONCILE_BATCH_KEYS) + REPORT_WINDOW_MS / 1_000) * 0.5;
/** `follow-cdn` and `reconcile-key` each read the manifest. */
const RECONCILE_GETS_PER_KEY = 2;
const CHANGE_PUTS = 2;
const CHANGE_GETS = 4;
/** Versions of manifests and bodies that are kept: a year of changes. */
const KEPT_MONTHS = 12;

const SECRETS = 2;
/** Each is read again every five minutes by each function that runs. */
const SECRET_READS = SECRETS * 12 * HOURS_PER_MONTH;
/** A healthy month sends about half of what has a name. */
const METRICS_SENT = 12;
export const ALARM_METRICS = 31;
const RUN_LOG_KB = 1.5;
const CHANGE_LOG_KB = 8;
const AGENT_LINE_KB = 0.5;

/** Up to here one server will do: agents that lose it poll S3. */
const SINGLE_SERVER_AGENTS_MAX = 100;
const SMALL_SERVER_AGENTS_MAX = 5_000;
const CLUSTER_SERVERS = 3;
const DISK_GB = 8;

/** With what TCP, TLS and WebSocket put around it. */
const BEAT_KB = 0.4;
const PING_KB = 0.2;
const PINGS_PER_HOUR = 720;
const LOAD_BALANCER_UNIT_CONNECTIONS = 100_000;
/** Of traffic in a region of three zones. */
const CROSSES_ZONE = 2 / 3;

const S3_CHECKS_PER_HOUR = 12;
const S3_POLLS_PER_HOUR = 720;

export function costsOf(usage: Usage): Costs {
  const { agents } = usage;
  const changes = usage.changesPerDay * DAYS_PER_MONTH;
  const trafficGb = agents * agentTrafficGb(usage, changes);
  return {
    functions: functionsCost(usage, changes),
    record: recordCost(usage, changes),
    watching: watchingCost(usage, changes),
    bus: busCost(agents, trafficGb),
    traffic: trafficGb * CROSSES_ZONE * PRICES.zoneCrossingGb.usd,
    agents: agents * HOURS_PER_MONTH * PRICES.agentHour.usd,
  };
}

/** Without the agents' own machines, which run anyway. */
export const fanoutTotal = ({ agents: _, ...rest }: Costs): number =>
  Object.values(rest).reduce((sum, usd) => sum + usd, 0);

function functionsCost({ sdkKeys }: Usage, changes: number): number {
  const gbSeconds = changes * (WEBHOOK_GB_S + BRIDGE_GB_S) + RUNS_PER_MONTH * reconcileGbS(sdkKeys);
  const requests = 2 * changes + RUNS_PER_MONTH;
  const calls = changes * (PRICES.httpApiRequest.usd + PRICES.snsPublish.usd);
  const secrets = SECRETS * PRICES.secretMonth.usd + SECRET_READS * PRICES.secretRead.usd;
  return gbSeconds * PRICES.lambdaGbSecond.usd + requests * PRICES.lambdaRequest.usd + calls + secrets;
}

function recordCost(usage: Usage, changes: number): number {
  const { agents, keysPerAgent, sdkKeys, busDownHours, datafileKb } = usage;
  const looksPerKey =
    (HOURS_PER_MONTH - busDownHours) * S3_CHECKS_PER_HOUR + busDownHours * S3_POLLS_PER_HOUR;
  const gets =
    agents * keysPerAgent * looksPerKey +
    RUNS_PER_MONTH * sdkKeys * RECONCILE_GETS_PER_KEY +
    changes * CHANGE_GETS;
  const keptGb = (changes * KEPT_MONTHS * datafileKb) / KB_PER_GB;
  return gets * PRICES.s3Get.usd + changes * CHANGE_PUTS * PRICES.s3Put.usd + keptGb * PRICES.s3GbMonth.usd;
}

function watchingCost(usage: Usage, changes: number): number {
  const agentLines = usage.agents * changes * followedShare(usage);
  const logKb = RUNS_PER_MONTH * RUN_LOG_KB + changes * CHANGE_LOG_KB + agentLines * AGENT_LINE_KB;
  return (
    METRICS_SENT * PRICES.metricMonth.usd +
    ALARM_METRICS * PRICES.alarmMonth.usd +
    PRICES.dashboardMonth.usd +
    (logKb / KB_PER_GB) * PRICES.logGb.usd
  );
}

function busCost(agents: number, trafficGb: number): number {
  const disk = DISK_GB * PRICES.diskGbMonth.usd;
  if (agents <= SINGLE_SERVER_AGENTS_MAX) return HOURS_PER_MONTH * PRICES.smallServerHour.usd + disk;
  const server = agents <= SMALL_SERVER_AGENTS_MAX ? PRICES.smallServerHour : PRICES.mediumServerHour;
  const units = Math.max(trafficGb / HOURS_PER_MONTH, agents / LOAD_BALANCER_UNIT_CONNECTIONS);
  const loadBalancer = PRICES.loadBalancerHour.usd + units * PRICES.loadBalancerUnitHour.usd;
  return CLUSTER_SERVERS * (HOURS_PER_MONTH * server.usd + disk) + HOURS_PER_MONTH * loadBalancer;
}

/** Of all changes, those of the keys that an agent follows. */
const followedShare = ({ keysPerAgent, sdkKeys }: Usage): number => Math.min(1, keysPerAgent / sdkKeys);

/** Of one agent in a month. */
function agentTrafficGb(usage: Usage, changes: number): number {
  const changesKb = changes * followedShare(usage) * usage.compressedKb;
  const idleKb = RUNS_PER_MONTH * BEAT_KB + HOURS_PER_MONTH * PINGS_PER_HOUR * PING_KB;
  return (changesKb + idleKb) / KB_PER_GB;
}
