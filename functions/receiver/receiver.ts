// The three functions as one process: webhooks over HTTP, reconcile by the clock, and in place of SNS what notices.ts
// does. All wiring is here; process, environment and signals are main.ts's.

import { withinMs } from '../../core/clock.ts';
import { errorFields, messageOf } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { ProjectTable } from '../../core/projects.ts';
import type { Deps } from '../ports.ts';
import { Quarantine } from '../reconcile/quarantine.ts';
import { reconcileKeys } from '../reconcile/reconcile-keys.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';
import { pause, settleEach } from '../wait.ts';
import { createGuard } from '../webhook/guard.ts';
import type { WebhookAnswer, WebhookRequest } from '../webhook/http-event.ts';
import { receiveWebhook } from '../webhook/receive-webhook.ts';
import { createHttpServer, type HttpServer } from './http-server.ts';
import { createReceiverMetrics } from './metrics.ts';
import { createNotices, type Notices } from './notices.ts';
import type { RefetchIntents } from './refetch-intents.ts';
import type { ReceiverSettings } from './settings.ts';
import { createTicker } from './ticker.ts';

/** Every request of a run has its own limit; this one is for the unforeseen. */
const RECONCILE_MS_MAX = 5 * 60_000;
const RECONCILE_JITTER = 0.1;
const KEYS_PARALLEL_MAX = 4;
/** Each may hold a datafile or several; webhooks beyond it are answered 429. */
const WEBHOOKS_AT_ONCE_MAX = 32;
const PROBE_PAUSE_FIRST_MS = 500;
const PROBE_PAUSE_MAX_MS = 10_000;
/** Within Kubernetes' thirty seconds; webhooks take at most nine. */
const STOP_GRACE_MS = 12_000;

export interface Receiver {
  /** Resolves with the port. */
  start(): Promise<number>;
  /** Answers what is under way, starts nothing new. Never throws. */
  stop(): Promise<void>;
}

export function createReceiver(
  settings: ReceiverSettings,
  parts: Omit<Deps, 'topic' | 'metrics'>,
  projects: CachedSecret<ProjectTable>,
  intents: RefetchIntents,
): Receiver {
  const { clock, random, log } = parts;
  const { functions, host, port, reconcileIntervalMs } = settings;
  const isHome = functions.role === 'home';
  let notices: Notices | undefined;
  const metrics = createReceiverMetrics(() => notices?.openCount() ?? 0);
  const inner = { ...parts, metrics: metrics.metrics };
  notices = createNotices(inner, projects, intents);
  const deps: Deps = { ...inner, topic: notices.topic };
  const { settle, stop: stopNotices } = notices;
  let isRecordKnown = false;
  let isStopping = false;

  const webhookSettings = {
    ...functions,
    projects,
    guard: createGuard(functions.guard, inner, WEBHOOKS_AT_ONCE_MAX),
  };
  const webhook = async (request: WebhookRequest): Promise<WebhookAnswer> => {
    const answer = isHome ? await receiveWebhook(deps, webhookSettings, request) : NO_WEBHOOKS_HERE;
    metrics.answered(answer.status);
    return answer;
  };

  const quarantine = new Quarantine(functions.quarantine);
  const reconcile = async (): Promise<void> => {
    try {
      const table = await projects.get();
      if (isHome) for (const sdkKey of keysOf(table)) void settle(sdkKey);
      const run = reconcileKeys(deps, { projects: table, role: functions.role, quarantine });
      await withinMs(clock, RECONCILE_MS_MAX, run, () => {
        deps.bus.reset();
        throw new Error(`a run took longer than ${RECONCILE_MS_MAX} ms`);
      });
      metrics.reconciled('ok', clock.nowMs());
    } catch (error) {
      // Each failure has its own line; the next run tries again.
      metrics.reconciled('failed', clock.nowMs());
      log.error('reconcile.finished', { result: 'failed', error: messageOf(error) });
    }
  };

  /** A bucket that is not there, or not ours, shows before traffic comes; later failures are answered, not hidden. */
  const probe = async (): Promise<void> => {
    for (let attempt = 0; !isRecordKnown && !isStopping; attempt++) {
      try {
        if (isHome) await deps.record.checkConditions?.();
        const keys = keysOf(await projects.get());
        const read = (sdkKey: SdkKey) => deps.record.readManifest(sdkKey);
        firstFailure(await settleEach(keys, KEYS_PARALLEL_MAX, read));
        isRecordKnown = true;
      } catch (error) {
        log.error('request.failed', { what: 'first look at the record', ...errorFields(error) });
        await pause({ clock, random }, attempt, PROBE_PAUSE_FIRST_MS, PROBE_PAUSE_MAX_MS);
      }
    }
  };

  const server: HttpServer = createHttpServer(
    {
      webhook,
      isReady: () => isRecordKnown && !isStopping,
      metrics: async () => ({ contentType: metrics.contentType, text: await metrics.text() }),
    },
    clock,
  );
  const ticker = createTicker({
    clock,
    random,
    intervalMs: reconcileIntervalMs,
    jitter: RECONCILE_JITTER,
    work: reconcile,
  });

  return {
    start: async () => {
      const bound = await server.listen(host, port);
      void probe();
      ticker.start();
      return bound;
    },
    stop: async () => {
      isStopping = true;
      const ended = Promise.all([server.close(STOP_GRACE_MS), ticker.stop()]).then(stopNotices);
      await withinMs(clock, STOP_GRACE_MS, ended, () => undefined);
      deps.bus.reset();
    },
  };
}

const keysOf = (projects: ProjectTable): SdkKey[] =>
  [...projects.values()].flatMap(({ datafiles }) => datafiles.map(({ sdkKey }) => sdkKey));

function firstFailure(results: readonly PromiseSettledResult<unknown>[]): void {
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

const NO_WEBHOOKS_HERE: WebhookAnswer = {
  status: 404,
  body: {
    code: 'ROUTE_UNKNOWN',
    error: 'This receiver only keeps its bus in step with the record (FANOUT_ROLE=bus-only)',
    remedy: 'Send webhooks to the receiver or the function of the home region.',
  },
};
