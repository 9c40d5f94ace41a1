// One webhook, from its raw bytes to its answer. Reads as the order of the checks: size, project, signature, payload;
// then every datafile that it is about is brought up to date, or queued.

import { errorFields, FanoutError, isFanoutError } from '../../core/errors.ts';
import { type ChangeId, isChangeId, sha256Of } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import { datafilesOf, type ProjectTable } from '../../core/projects.ts';
import { WEBHOOK_BODY_BYTES_MAX, WEBHOOK_PATH } from '../../core/webhook.ts';
import type { Deps } from '../ports.ts';
import type { Change } from '../publish/publish-datafile.ts';
import type { CachedSecret } from '../settings/refreshing-secret.ts';
import { withFields } from '../telemetry.ts';
import { type Applied, applyOrQueue } from './apply-or-queue.ts';
import { type Authentic, type Authenticated, authenticate } from './authenticate.ts';
import type { Guard } from './guard.ts';
import type { WebhookAnswer, WebhookRequest } from './http-event.ts';
import { isOutsideWindow, isRecorded } from './replay.ts';

export interface WebhookSettings {
  readonly projects: CachedSecret<ProjectTable>;
  readonly fetchBudgetMs: number;
  /** Null takes every webhook whose signature is right as it comes. */
  readonly guard: Guard | null;
}

/** When a webhook arrived, and by which id its change is traced. */
type Arrived = Pick<Change, 'changeId' | 'receivedAtMs'>;

const STATUS: Readonly<Record<string, number>> = {
  ROUTE_UNKNOWN: 404,
  METHOD_REFUSED: 405,
  WEBHOOK_TOO_LARGE: 413,
  SIGNATURE_MISSING: 401,
  SIGNATURE_INVALID: 401,
  WEBHOOK_INVALID: 400,
  WEBHOOK_EXPIRED: 400,
  WEBHOOK_RATE_LIMITED: 429,
  SECRET_UNAVAILABLE: 503,
  WEBHOOKS_BUSY: 503,
};

/** Never throws: every failure becomes an answer, and a log line. */
export async function receiveWebhook(
  deps: Deps,
  settings: WebhookSettings,
  request: WebhookRequest,
): Promise<WebhookAnswer> {
  const receivedAtMs = deps.clock.nowMs();
  const changeId = changeIdOf(request.requestId, deps);
  const log = withFields(deps.log, { changeId });
  try {
    const status = await accept({ ...deps, log }, settings, { ...request, changeId, receivedAtMs });
    log.info('webhook.answered', { status, elapsedMs: deps.clock.nowMs() - receivedAtMs });
    const body = BODIES[status];
    return body === undefined ? { status } : { status, body };
  } catch (error) {
    const status = isFanoutError(error) ? (STATUS[error.code] ?? 500) : 500;
    // The limiter has counted and told of it, once for many.
    const isOverload = isFanoutError(error, 'WEBHOOK_RATE_LIMITED') || isFanoutError(error, 'WEBHOOKS_BUSY');
    if (!isOverload) {
      deps.metrics.count(METRIC.webhookRejected);
      log[status < 500 ? 'warn' : 'error']('webhook.rejected', { status, ...errorFields(error) });
    }
    // What the caller need not know: the names of our secrets, for example.
    if (status === 500 || !isFanoutError(error)) return { status: 500, body: UNEXPECTED };
    if (status > 500 && !isOverload) return { status, body: NOTHING_STORED };
    const { code, message, remedy, fields } = error;
    const retryAfterS = fields.retryAfterS as number | undefined;
    const body = { code, error: message, remedy };
    return retryAfterS === undefined ? { status, body } : { status, retryAfterS, body };
  }
}

async function accept(
  deps: Deps,
  settings: WebhookSettings,
  request: WebhookRequest & Arrived,
): Promise<number> {
  const { changeId, receivedAtMs } = request;
  const rawBody = bodyOf(request);
  const authenticated = await authenticateKept(settings.projects, rawBody, request.signature);
  if (authenticated.kind === 'unknown-project') {
    deps.log.warn('webhook.ignored', { reason: 'unknown-project', projectId: authenticated.projectId });
    return 204;
  }
  const work = () => handle(deps, settings, { ...authenticated, rawBody, changeId, receivedAtMs });
  if (settings.guard === null) return work();
  settings.guard.rates.take(authenticated.project.projectId);
  return settings.guard.slots.hold(work);
}

/** The status of a webhook whose signature is right. */
async function handle(
  deps: Deps,
  settings: WebhookSettings,
  { event, project, rawBody, changeId, receivedAtMs }: Authentic & Arrived & { readonly rawBody: Uint8Array },
): Promise<number> {
  deps.metrics.count(METRIC.webhookAccepted);
  if (event.kind === 'other') {
    deps.log.info('webhook.ignored', { reason: 'other-event', webhookEvent: event.event });
    return 204;
  }
  const sources = datafilesOf(project, event);
  const { projectId, revision, environment, sdkKey } = event;
  if (sources.length === 0) {
    deps.log.info('webhook.ignored', {
      reason: 'unknown-datafile',
      projectId,
      environment,
      sdkKey,
      revision,
    });
    return 204;
  }
  deps.log.info('webhook.received', { projectId, environment, revision, datafiles: sources.length });
  const changes = sources.map(
    (source) => ({ source, projectId, changeId, receivedAtMs, cause: 'webhook' }) as const,
  );
  const work = () => applyAll(deps, changes, revision, settings);
  const { guard } = settings;
  if (guard === null) return work();
  const isLate = isOutsideWindow(event, receivedAtMs, guard.window);
  return guard.replays.once(sha256Of(rawBody), receivedAtMs, async (isRepeated) => {
    const isHint = isLate || isRepeated;
    if (!isHint || !(await isRecorded(deps, sources, revision))) return work();
    deps.log.info('webhook.ignored', { reason: isRepeated ? 'repeated' : 'late', projectId, revision });
    return 204;
  });
}

async function applyAll(
  deps: Deps,
  changes: readonly Change[],
  revision: number,
  { fetchBudgetMs, guard }: WebhookSettings,
): Promise<number> {
  const statuses = await Promise.all(
    changes.map((change) => {
      const { sdkKey } = change.source;
      const apply = () =>
        applyOrQueue({ ...deps, log: withFields(deps.log, { sdkKey }) }, change, {
          revision,
          budgetMs: fetchBudgetMs,
        });
      return guard === null ? apply() : guard.flights.join(`${sdkKey} ${revision}`, apply);
    }),
  );
  return WORST_FIRST.find((status) => statuses.includes(status)) ?? 204;
}

/** Refused by what we know of a project, a webhook is held against the newest: its secret may just have been rotated. */
async function authenticateKept(
  projects: CachedSecret<ProjectTable>,
  rawBody: Uint8Array,
  signature: string,
): Promise<Authenticated> {
  const known = await projects.get();
  const attempt = (table: ProjectTable) => authenticate(table, rawBody, signature);
  try {
    const authenticated = attempt(known);
    if (authenticated.kind === 'authentic') return authenticated;
  } catch (error) {
    if (!isFanoutError(error, 'SIGNATURE_INVALID')) throw error;
  }
  return attempt(await projects.refresh());
}

function bodyOf({ path, method, rawBody }: WebhookRequest): Uint8Array {
  if (rawBody === null) throw tooLarge();
  if (path !== WEBHOOK_PATH) throw unknownRoute();
  if (method !== 'POST') throw methodRefused();
  return rawBody;
}

/** API Gateway's request id, so that its access log joins ours; it ends with a `=` that a change id may not hold. */
function changeIdOf(requestId: string, { newId }: Deps): ChangeId {
  const cleaned = requestId.replace(/[^A-Za-z0-9_.:-]/g, '').slice(0, 128);
  return isChangeId(cleaned) ? cleaned : (newId() as ChangeId);
}

const NOTHING_STORED = {
  code: 'RECORD_UNAVAILABLE',
  error: 'The change could be neither stored nor queued',
  remedy:
    'Nothing to do: reconcile looks for missed changes every minute. The log line of this request says more.',
};

const REFUSED = {
  code: 'DATAFILE_REFUSED',
  error: 'Optimizely serves a datafile that can never be taken; the last good one stays in use',
  remedy:
    'The log line of this request says what is wrong with it. Publish the project again once that is mended.',
};

/** What is told beside the status. */
const BODIES: Readonly<Record<number, NonNullable<WebhookAnswer['body']>>> = {
  422: REFUSED,
  503: NOTHING_STORED,
};

/** Of several datafiles the worst is the answer. */
const WORST_FIRST: readonly Applied[] = [503, 422, 202, 204];

const UNEXPECTED = {
  code: 'UNEXPECTED',
  error: 'The webhook could not be handled',
  remedy: 'The log line of this request says more.',
};

const tooLarge = () =>
  new FanoutError({
    code: 'WEBHOOK_TOO_LARGE',
    message: `The webhook body has more than ${WEBHOOK_BODY_BYTES_MAX} bytes`,
    remedy: 'Only app.optimizely.com should call this URL; its webhooks are about 320 bytes.',
    retryable: false,
  });

const unknownRoute = () =>
  new FanoutError({
    code: 'ROUTE_UNKNOWN',
    message: 'There is nothing at this path',
    remedy: `Send webhooks to ${WEBHOOK_PATH}.`,
    retryable: false,
  });

const methodRefused = () =>
  new FanoutError({
    code: 'METHOD_REFUSED',
    message: 'Webhooks are sent by POST',
    remedy: `Send webhooks by POST to ${WEBHOOK_PATH}.`,
    retryable: false,
  });
