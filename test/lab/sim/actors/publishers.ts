// The real functions in simulated Lambdas: receiver, bridges and reconciles, each container with the parts that it would
// have in AWS, cut off only where the SDKs would open a socket.

import { brotliCompressSync, constants } from 'node:zlib';
import type { SdkKey } from '../../../../core/ids.ts';
import type { LogEvent } from '../../../../core/log.ts';
import type { ProjectTable } from '../../../../core/projects.ts';
import { signWebhook } from '../../../../core/webhook.ts';
import { createBridge } from '../../../../functions/bridge/bridge.ts';
import { NatsBus } from '../../../../functions/bus/bus.ts';
import { createTopic } from '../../../../functions/bus/topic.ts';
import type { Cdn, Deps } from '../../../../functions/ports.ts';
import { reconcileKeys } from '../../../../functions/reconcile/reconcile-keys.ts';
import { refetch } from '../../../../functions/reconcile/refetch.ts';
import { createBucket } from '../../../../functions/record/bucket.ts';
import { withMemory } from '../../../../functions/record/record-memory.ts';
import { unchanging } from '../../../../functions/settings/refreshing-secret.ts';
import { createGuard } from '../../../../functions/webhook/guard.ts';
import { receiveWebhook } from '../../../../functions/webhook/receive-webhook.ts';
import { functionsCdn } from '../services/cdn-for.ts';
import { cheapCheck } from '../services/cheap-sdk.ts';
import { Lambda } from '../services/lambda.ts';
import { connectFrom } from '../services/nats-connect.ts';
import type { NatsServer } from '../services/nats-server.ts';
import { type Optimizely, PROJECT_ID } from '../services/optimizely.ts';
import { createS3Client } from '../services/s3-client.ts';
import type { S3Store } from '../services/s3-store.ts';
import type { Sns } from '../services/sns.ts';
import type { World } from '../world.ts';
import type { Actor } from './actor.ts';
import type { Weather } from './weather.ts';

const WEBHOOK_SECRET = 'simulated-webhook-secret';
const WEBHOOK_TIMEOUT_MS = 10_000;
const BRIDGE_TIMEOUT_MS = 30_000;
const RECONCILE_TIMEOUT_MS = 60_000;
const FETCH_BUDGET_MS = 5_000;
const AWS_ATTEMPTS = 2;
const AWS_TIMEOUT_MS = 1_200;
const GUARD = { windowMs: 300_000, isWindowStrict: false, rate: { perSecond: 20, burst: 1_000 } };
/** The same format as core's, for a fraction of the time. */
const QUICKLY = { params: { [constants.BROTLI_PARAM_QUALITY]: 1, [constants.BROTLI_PARAM_LGWIN]: 10 } };
const NO_WATCH = { link: () => {}, troubled: () => {}, lost: () => {}, spoilt: () => {}, heard: () => {} };

export interface Outside {
  readonly world: World;
  readonly weather: Weather;
  readonly store: S3Store;
  readonly sns: Sns;
  readonly optimizely: Optimizely;
  /** Home first. */
  readonly buses: readonly NatsServer[];
  readonly keys: readonly SdkKey[];
  /** Called with the log lines of functions that the checks read. */
  readonly onLine: (actor: string, event: LogEvent, fields: Readonly<Record<string, unknown>>) => void;
  /** An invocation begins in this container. */
  readonly onStart: (actor: Actor) => void;
}

export interface Webhook {
  readonly sdkKey: SdkKey;
  readonly revision: number;
  readonly sentAtMs: number;
}

export class Publishers {
  readonly webhook: Lambda<Webhook, number>;
  readonly refetcher: Lambda<string, void>;
  readonly bridges: readonly Lambda<string, void>[];
  readonly reconciles: readonly Lambda<null, void>[];
  readonly #outside: Outside;
  readonly #projects: ProjectTable;

  constructor(outside: Outside) {
    this.#outside = outside;
    const datafiles = outside.keys.map((sdkKey) => ({ sdkKey, environment: 'Production' }));
    const project = { projectId: PROJECT_ID, secrets: [WEBHOOK_SECRET], datafiles };
    this.#projects = new Map([[PROJECT_ID, project]]);
    const [home] = outside.buses as [NatsServer];
    const base = { world: outside.world, weather: outside.weather, onStart: outside.onStart };
    this.webhook = new Lambda({
      ...{ ...base, name: 'webhook', timeoutMs: WEBHOOK_TIMEOUT_MS },
      load: (actor) => this.#receiver(this.depsOf(actor, home)),
    });
    this.refetcher = new Lambda({
      ...{ ...base, name: 'refetch', timeoutMs: RECONCILE_TIMEOUT_MS },
      load: (actor) => {
        const deps = this.depsOf(actor, home);
        return (message: string) => refetch(deps, this.#projects, [message]);
      },
    });
    this.bridges = outside.buses.map(
      (bus) =>
        new Lambda<string, void>({
          ...{ ...base, name: `bridge-${bus.region}`, timeoutMs: BRIDGE_TIMEOUT_MS },
          load: (actor) => {
            const bridge = createBridge(this.depsOf(actor, bus));
            return (message) => bridge([message]);
          },
        }),
    );
    this.reconciles = outside.buses.map(
      (bus) =>
        new Lambda<null, void>({
          ...{ ...base, name: `reconcile-${bus.region}`, timeoutMs: RECONCILE_TIMEOUT_MS },
          load: (actor) => {
            const deps = this.depsOf(actor, bus);
            const role = bus === home ? 'home' : 'bus-only';
            return () => reconcileKeys(deps, { projects: this.#projects, role });
          },
        }),
    );
  }

  /** The parts of one container, or of an operator's command. */
  depsOf(actor: Actor, bus: NatsServer): Deps {
    const { world, weather, store, sns, optimizely } = this.#outside;
    const client = createS3Client({
      ...{ actor, store, weather },
      ...{ attemptsMax: AWS_ATTEMPTS, timeoutMs: AWS_TIMEOUT_MS },
    });
    const maxPayload = MAX_PAYLOAD_OF_FUNCTIONS;
    const connectTo = connectFrom({ actor, server: bus, weather, watch: NO_WATCH, maxPayload });
    const bucket = { bucket: 'simulated' };
    const settings = { servers: [`ws://${bus.region}`], replicas: 1 };
    const line = (event: LogEvent, fields: object = {}) => {
      this.#outside.onLine(actor.name, event, fields as Record<string, unknown>);
    };
    const cdn: Cdn = functionsCdn(actor, optimizely, weather);
    return {
      record: withMemory(createBucket(bucket, client)),
      cdn,
      sdkCheck: cheapCheck,
      bus: new NatsBus(settings, actor.clock, unchanging({}), connectTo),
      topic: createTopic({ topicArn: 'simulated' }, sns.clientFor(actor)),
      clock: actor.clock,
      random: world.dice.next,
      newId: () => world.newId(),
      log: { info: line, warn: line, error: line },
      metrics: { count: () => {}, timeMs: () => {} },
      compress: (body) => actor.call(0, world.dice.int(0, 8), () => brotliCompressSync(body, QUICKLY)),
    };
  }

  #receiver(deps: Deps): (webhook: Webhook) => Promise<number> {
    const settings = {
      projects: unchanging(this.#projects),
      fetchBudgetMs: FETCH_BUDGET_MS,
      guard: createGuard(GUARD, deps),
    };
    return async ({ sdkKey, revision, sentAtMs }) => {
      const rawBody = webhookBody(sdkKey, revision, sentAtMs);
      const answer = await receiveWebhook(deps, settings, {
        ...{ method: 'POST', path: '/webhooks/optimizely', requestId: this.#outside.world.newId() },
        ...{ rawBody, signature: signWebhook(rawBody, WEBHOOK_SECRET) },
      });
      return answer.status;
    };
  }
}

/** Smaller than most compressed bodies with long texts: they travel as pointers. */
const MAX_PAYLOAD_OF_FUNCTIONS = 2_048 + 400;

function webhookBody(sdkKey: SdkKey, revision: number, sentAtMs: number): Uint8Array {
  const cdn_url = `https://cdn.optimizely.com/datafiles/${encodeURIComponent(sdkKey)}.json`;
  const data = { environment: 'Production', revision, cdn_url, origin_url: cdn_url };
  const event = { project_id: Number(PROJECT_ID), timestamp: Math.floor(sentAtMs / 1_000) };
  return new TextEncoder().encode(JSON.stringify({ ...event, event: 'project.datafile_updated', data }));
}
