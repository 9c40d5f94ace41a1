// A webhook that this agent judges itself, answered as the original does: whose it is, whether its signature is right, and
// which keys it is about. Not every key of the project: only the one whose datafile has changed.

import { errorFields } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import {
  parseWebhook,
  SIGNATURE_HEADER,
  verifySignature,
  WEBHOOK_BODY_BYTES_MAX,
  type WebhookEvent,
} from '../../core/webhook.ts';
import type { WebhookProject } from '../config.ts';
import type { Exchange } from '../http/exchange.ts';

export interface ReceiveDeps {
  /** By Optimizely's project id. */
  readonly projects: ReadonlyMap<string, WebhookProject>;
  readonly refresh: (sdkKey: SdkKey, revision: number) => void;
  readonly log: Log;
}

export function receiveWebhook({ projects, refresh, log }: ReceiveDeps) {
  return (exchange: Exchange): void => {
    const { body } = exchange;
    const event = read(exchange, log);
    if (event === null) return;
    const project = projects.get(event.projectId);
    if (project === undefined) {
      log.info('webhook.ignored', { projectId: event.projectId, reason: 'no such project is configured' });
      exchange.empty(204);
      return;
    }
    const { projectId } = event;
    if (!project.skipSignatureCheck && !isSigned(body, exchange.header(SIGNATURE_HEADER), project)) {
      log.warn('webhook.rejected', { projectId, reason: 'the signature does not match' });
      exchange.error(400, 'Computed signature does not match signature in request. Ignoring message.');
      return;
    }
    exchange.empty(204);
    if (event.kind === 'other') log.info('webhook.ignored', { projectId, reason: event.event });
    else {
      const sdkKeys = keysOf(event.sdkKey, project);
      log.info('webhook.received', { projectId, revision: event.revision, sdkKeys });
      for (const sdkKey of sdkKeys) refresh(sdkKey, event.revision);
    }
  };
}

/** Null when it was refused. */
function read(exchange: Exchange, log: Log): WebhookEvent | null {
  try {
    if (exchange.body.byteLength <= WEBHOOK_BODY_BYTES_MAX) return parseWebhook(exchange.body);
    exchange.error(413, `a webhook is at most ${WEBHOOK_BODY_BYTES_MAX} bytes`);
  } catch (error) {
    log.warn('webhook.rejected', errorFields(error));
    exchange.error(400, 'Unable to parse webhook message.');
  }
  return null;
}

/** An empty secret signs nothing: anybody could. */
const isSigned = (body: Uint8Array, signature: string, { secret }: WebhookProject): boolean =>
  secret !== '' && verifySignature(body, signature, [secret]);

/** All of the project's where the webhook does not say which. */
const keysOf = (sdkKey: SdkKey | null, project: WebhookProject): readonly SdkKey[] =>
  sdkKey === null ? project.sdkKeys : project.sdkKeys.filter((candidate) => candidate === sdkKey);
