// A webhook that this agent judges itself, answered as the original does: whose it is, whether its signature is right, and
// which keys it is about. One that names a key of the project makes the agent look for that key alone. Any other makes it
// look at all of the project's, as the original does: a datafile may have another address, and every event may change it.

import { parseJsonWithin } from '../../core/datafile/json-depth.ts';
import { errorFields, FanoutError } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import {
  claimedProjectId,
  parseWebhook,
  SIGNATURE_HEADER,
  verifySignature,
  WEBHOOK_BODY_BYTES_MAX,
  type WebhookEvent,
} from '../../core/webhook.ts';
import type { WebhookProject } from '../config/config.ts';
import type { Exchange } from '../http/kernel/exchange.ts';

export interface ReceiveDeps {
  /** By Optimizely's project id. */
  readonly projects: ReadonlyMap<string, WebhookProject>;
  /** Looks for a revision of a key until it serves, within a limit. */
  readonly refresh: (sdkKey: SdkKey, revision: number) => void;
  /** Looks once whether a key has something new. */
  readonly glance: (sdkKey: SdkKey) => void;
  readonly log: Log;
}

interface Message {
  /** Null when it names none. */
  readonly projectId: string | null;
  /** Null when it is no event as Optimizely describes them. */
  readonly event: WebhookEvent | null;
}

export function receiveWebhook({ projects, refresh, glance, log }: ReceiveDeps) {
  return (exchange: Exchange): void => {
    const { body } = exchange;
    const message = read(exchange, log);
    if (message === null) return;
    const { projectId, event } = message;
    const project = projectId === null ? undefined : projects.get(projectId);
    if (project === undefined) {
      log.info('webhook.ignored', { projectId, reason: 'no such project is configured' });
      exchange.empty(204);
      return;
    }
    if (!project.skipSignatureCheck && !isSigned(body, exchange.header(SIGNATURE_HEADER), project)) {
      log.warn('webhook.rejected', { projectId, reason: 'the signature does not match' });
      exchange.error(400, 'Computed signature does not match signature in request. Ignoring message.');
      return;
    }
    exchange.empty(204);
    if (event?.kind === 'datafile-updated') {
      const sdkKeys = keysOf(event.sdkKey, project);
      log.info('webhook.received', { projectId, revision: event.revision, sdkKeys });
      for (const sdkKey of sdkKeys) refresh(sdkKey, event.revision);
    } else {
      const { sdkKeys } = project;
      log.info('webhook.received', { projectId, webhookEvent: event?.event ?? null, sdkKeys });
      for (const sdkKey of sdkKeys) glance(sdkKey);
    }
  };
}

/** Null when it was refused. */
function read(exchange: Exchange, log: Log): Message | null {
  if (exchange.body.byteLength > WEBHOOK_BODY_BYTES_MAX) {
    exchange.error(413, `a webhook is at most ${WEBHOOK_BODY_BYTES_MAX} bytes`);
    return null;
  }
  try {
    return toMessage(exchange.body);
  } catch (error) {
    log.warn('webhook.rejected', errorFields(error));
    exchange.error(400, 'Unable to parse webhook message.');
    return null;
  }
}

/** @throws FanoutError WEBHOOK_INVALID, or what JSON.parse() throws */
function toMessage(body: Uint8Array): Message {
  const payload = parseJsonWithin(body);
  // Like the original, which reads them as messages that say nothing.
  if (payload === null || (isObject(payload) && payload.project_id == null))
    return { projectId: null, event: null };
  const projectId = claimedProjectId(body);
  if (projectId !== null) return { projectId, event: eventIn(body) };
  throw new FanoutError({
    code: 'WEBHOOK_INVALID',
    message: 'The webhook body is no object with a numeric project_id',
    remedy: 'Only app.optimizely.com should call this port.',
    retryable: false,
  });
}

function eventIn(body: Uint8Array): WebhookEvent | null {
  try {
    return parseWebhook(body);
  } catch {
    return null; // Signed, it still says that something of the project has changed.
  }
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** False where the secret is empty: any sender could sign with it. */
const isSigned = (body: Uint8Array, signature: string, { secret }: WebhookProject): boolean =>
  secret !== '' && verifySignature(body, signature, [secret]);

/** All of the project's where the webhook names none of them. */
const keysOf = (sdkKey: SdkKey | null, { sdkKeys }: WebhookProject): readonly SdkKey[] =>
  sdkKey !== null && sdkKeys.includes(sdkKey) ? [sdkKey] : sdkKeys;
