// One webhook, from its raw bytes to its answer. Reads as the order of the checks: size, project, signature, payload;
// then every datafile that it is about is brought up to date, or queued.

import { errorFields, FanoutError, isFanoutError } from '../../core/errors.ts';
import { type ChangeId, isChangeId } from '../../core/ids.ts';
import { METRIC } from '../../core/log.ts';
import { datafilesOf, type ProjectTable } from '../../core/projects.ts';
import { WEBHOOK_BODY_BYTES_MAX, WEBHOOK_PATH } from '../../core/webhook.ts';
import type { Kept } from '../kept-secret.ts';
import type { Deps } from '../ports.ts';
import { withFields } from '../telemetry.ts';
import { applyOrQueue } from './apply-or-queue.ts';
import { type Authenticated, authenticate } from './authenticate.ts';
import type { WebhookAnswer, WebhookRequest } from './http-event.ts';

export interface WebhookSettings {
  readonly projects: Kept<ProjectTable>;
  readonly fetchBudgetMs: number;
}

const STATUS: Readonly<Record<string, number>> = {
  ROUTE_UNKNOWN: 404,
  METHOD_REFUSED: 405,
  WEBHOOK_TOO_LARGE: 413,
  SIGNATURE_MISSING: 401,
  SIGNATURE_INVALID: 401,
  WEBHOOK_INVALID: 400,
  SECRET_UNAVAILABLE: 503,
};

/** Never throws: whatever goes wrong becomes an answer, and a log line. */
export async function receiveWebhook(
  deps: Deps,
  settings: WebhookSettings,
  request: WebhookRequest,
): Promise<WebhookAnswer> {
  const receivedAtMs = deps.clock.nowMs();
  const changeId = changeIdOf(request.requestId, deps);
  const log = withFields(deps.log, { changeId });
  try {
    const status = await accept({ ...deps, log }, settings, request, changeId, receivedAtMs);
    log.info('webhook.answered', { status, elapsedMs: deps.clock.nowMs() - receivedAtMs });
    if (status < 500) return { status };
    return { status, body: NOTHING_STORED };
  } catch (error) {
    deps.metrics.count(METRIC.webhookRejected);
    const status = isFanoutError(error) ? (STATUS[error.code] ?? 500) : 500;
    log[status < 500 ? 'warn' : 'error']('webhook.rejected', { status, ...errorFields(error) });
    // What the caller need not know: the names of our secrets, for example.
    if (status === 500 || !isFanoutError(error)) return { status: 500, body: UNEXPECTED };
    if (status > 500) return { status, body: NOTHING_STORED };
    return { status, body: { code: error.code, error: error.message, remedy: error.remedy } };
  }
}

async function accept(
  deps: Deps,
  { projects, fetchBudgetMs }: WebhookSettings,
  request: WebhookRequest,
  changeId: ChangeId,
  receivedAtMs: number,
): Promise<number> {
  const rawBody = bodyOf(request);
  const authenticated = await authenticateKept(projects, rawBody, request.signature);
  if (authenticated.kind === 'unknown-project') {
    deps.log.warn('webhook.ignored', { reason: 'unknown-project', projectId: authenticated.projectId });
    return 204;
  }
  const { event, project } = authenticated;
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
  const statuses = await Promise.all(
    sources.map((source) => {
      const change = { source, projectId, changeId, receivedAtMs, cause: 'webhook' } as const;
      const log = withFields(deps.log, { sdkKey: source.sdkKey });
      return applyOrQueue({ ...deps, log }, change, revision, fetchBudgetMs);
    }),
  );
  // 503 before 202 before 204: the worst of them is the answer.
  return statuses.includes(503) ? 503 : Math.min(...statuses);
}

/** Refused by what we know of a project, a webhook is held against the newest: its secret may just have been rotated. */
async function authenticateKept(
  projects: Kept<ProjectTable>,
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
