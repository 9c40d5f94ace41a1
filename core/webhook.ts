// Optimizely's webhook: its signature and its payload. Pure; which project table it is held against and what HTTP
// status it becomes is decided by functions/webhook.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { MESSAGE_DEPTH_MAX, parseJsonWithin } from './datafile/json-depth.ts';
import { FanoutError } from './errors.ts';
import { parseRevision, type SdkKey, toSdkKey } from './ids.ts';

/** Real ones are about 320 bytes. */
export const WEBHOOK_BODY_BYTES_MAX = 64 * 1024;
/** The one path of the receiver, whichever gateway is in front of it. */
export const WEBHOOK_PATH = '/webhooks/optimizely';
export const SIGNATURE_HEADER = 'x-hub-signature';
export const DATAFILE_UPDATED = 'project.datafile_updated';

/** The last second that a Date can name. */
const TIMESTAMP_MAX_S = 8.64e12;

const SIGNATURE_PATTERN = /^sha1=([0-9a-f]{40})$/;

/** `X-Hub-Signature` of a raw body, as Optimizely makes it: hex HMAC-SHA1 keyed with the webhook's secret. */
export function signWebhook(rawBody: Uint8Array, secret: string): string {
  return `sha1=${createHmac('sha1', secret).update(rawBody).digest('hex')}`;
}

/**
 * True when any of the secrets (several during a rotation) signed the raw bytes. Every secret is tried, also after
 * one has fitted, each in constant time.
 */
export function verifySignature(rawBody: Uint8Array, signature: string, secrets: readonly string[]): boolean {
  const hex = SIGNATURE_PATTERN.exec(signature)?.[1];
  if (hex === undefined) return false;
  const given = Buffer.from(hex, 'hex');
  let valid = false;
  for (const secret of secrets) {
    const wanted = createHmac('sha1', secret).update(rawBody).digest();
    if (timingSafeEqual(given, wanted)) valid = true;
  }
  return valid;
}

/** A webhook that says that a datafile has moved. */
export interface DatafileUpdated {
  readonly kind: 'datafile-updated';
  readonly projectId: string;
  /** Basename of the payload's URL; null when it has none that is an SDK key. The URL itself is never fetched. */
  readonly sdkKey: SdkKey | null;
  /** Environment name as shown in the app, for example `Production`. */
  readonly environment: string;
  readonly revision: number;
  readonly sentAtMs: number | null;
}

/** One of about forty other events; acknowledged and ignored. */
export interface OtherEvent {
  readonly kind: 'other';
  readonly projectId: string;
  readonly event: string;
  readonly sentAtMs: number | null;
}

export type WebhookEvent = DatafileUpdated | OtherEvent;

/** @throws FanoutError WEBHOOK_INVALID */
export function parseWebhook(rawBody: Uint8Array): WebhookEvent {
  const payload = parseObject(rawBody);
  const projectId = parseProjectId(payload.project_id);
  if (projectId === null) throw invalid('has no numeric project_id');
  if (typeof payload.event !== 'string') throw invalid('has no event');
  const sentAtMs = parseSentAt(payload.timestamp);
  // Approval events carry an array here; only datafile events are read further.
  if (payload.event !== DATAFILE_UPDATED)
    return { kind: 'other', projectId, event: payload.event.slice(0, 100), sentAtMs };
  const data = payload.data;
  if (!isObject(data)) throw invalid('has no data object');
  const revision = parseRevision(data.revision);
  if (revision === null) throw invalid('has no whole-number revision');
  const environment = typeof data.environment === 'string' ? data.environment : '';
  return {
    kind: 'datafile-updated',
    projectId,
    sdkKey: sdkKeyOfUrl(data.cdn_url),
    environment,
    revision,
    sentAtMs,
  };
}

/** Whose webhook the body claims to be, so that its secrets can be found; null when it does not say. Trust nothing else yet. */
export function claimedProjectId(rawBody: Uint8Array): string | null {
  try {
    return parseProjectId(parseObject(rawBody).project_id);
  } catch {
    return null; // Not a webhook: the caller refuses it as such, or as unsigned.
  }
}

/** The SDK key in `https://…/datafiles/<sdkKey>.json`; null when the text is no such URL. */
export function sdkKeyOfUrl(url: unknown): SdkKey | null {
  if (typeof url !== 'string') return null;
  try {
    const basename = new URL(url).pathname.split('/').at(-1) ?? '';
    return basename.endsWith('.json')
      ? toSdkKey(decodeURIComponent(basename.slice(0, -'.json'.length)))
      : null;
  } catch {
    return null; // Not a URL or not a key: the environment's name decides then.
  }
}

function parseObject(rawBody: Uint8Array): Record<string, unknown> {
  let payload: unknown;
  try {
    payload = parseJsonWithin(rawBody);
  } catch (cause) {
    throw invalid(`is not UTF-8 JSON of at most ${MESSAGE_DEPTH_MAX} levels`, cause);
  }
  if (!isObject(payload)) throw invalid('is not a JSON object');
  return payload;
}

function parseProjectId(value: unknown): string | null {
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return value;
  return Number.isSafeInteger(value) && (value as number) > 0 ? String(value) : null;
}

/** Optimizely's stamp is in seconds; null where there is none that could be a time. */
const parseSentAt = (value: unknown): number | null =>
  typeof value === 'number' && value >= 0 && value <= TIMESTAMP_MAX_S ? value * 1000 : null;

const isObject = (value: unknown): value is Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const invalid = (what: string, cause?: unknown) =>
  new FanoutError({
    code: 'WEBHOOK_INVALID',
    message: `The webhook body ${what}`,
    remedy:
      "Only app.optimizely.com should call this URL; compare the body with Optimizely's webhook documentation.",
    retryable: false,
    cause,
  });
