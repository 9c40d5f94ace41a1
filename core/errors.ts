// Errors that an operator can act on. Every failure the project raises on purpose is a FanoutError: a stable
// code to search for, what happened to what, what to do about it, and whether trying again can help.
// Knows nothing of HTTP, AWS or NATS; the edges map codes to their own answers.

import { maskUserInfo } from './http/user-info.ts';

/** Codes are part of the interface: logs, alarms and the runbook refer to them. Never reuse one. */
export type ErrorCode =
  | 'ANNOUNCE_FAILED'
  | 'BODY_CORRUPT'
  | 'BODY_MISSING'
  | 'BUS_UNAVAILABLE'
  | 'CDN_DENIED'
  | 'CDN_FAILED'
  | 'CDN_STALE'
  | 'CONFIG_INVALID'
  | 'DATAFILE_INVALID'
  | 'DATAFILE_TOO_LARGE'
  | 'DATAFILE_UNDECIDABLE'
  | 'DATAFILE_UNLOADABLE'
  | 'DATAFILE_UNSUPPORTED'
  | 'DATAFILE_WRONG_ENVIRONMENT'
  | 'DATAFILE_WRONG_KEY'
  | 'DATAFILE_WRONG_PROJECT'
  | 'ENVELOPE_INVALID'
  | 'EVENTS_LOST'
  | 'EVENTS_NOT_KEPT'
  | 'EVENTS_UNDELIVERED'
  | 'MANIFEST_CONTENDED'
  | 'MANIFEST_INVALID'
  | 'METHOD_REFUSED'
  | 'NOTHING_FOUND'
  | 'NOTICE_INVALID'
  | 'OUTBOUND_REFUSED'
  | 'PORT_UNAVAILABLE'
  | 'RECEIVER_FAILED'
  | 'RECORD_UNAVAILABLE'
  | 'RECORD_UNCONDITIONAL'
  | 'REDIRECT_REFUSED'
  | 'REMOTE_REFUSED'
  | 'REMOTE_UNAVAILABLE'
  | 'ROUTE_UNKNOWN'
  | 'SDK_KEY_INVALID'
  | 'SDK_KEY_UNKNOWN'
  | 'SECRET_UNAVAILABLE'
  | 'SERVICE_FAILED'
  | 'SIGNATURE_INVALID'
  | 'SIGNATURE_MISSING'
  | 'SIGNATURE_REPLAYED'
  | 'SIGNATURE_REQUIRED'
  | 'SIGNATURE_UNTRUSTED'
  | 'STREAM_MISSING'
  | 'STACK_FAILED'
  | 'TOOL_UNAVAILABLE'
  | 'TOPIC_UNAVAILABLE'
  | 'USAGE_INVALID'
  | 'WEBHOOK_EXPIRED'
  | 'WEBHOOK_INVALID'
  | 'WEBHOOK_RATE_LIMITED'
  | 'WEBHOOK_TOO_LARGE'
  | 'WEBHOOKS_BUSY'
  | 'WORKER_FAILED'
  | 'WORKERS_UNAVAILABLE';

/** Values that identify what failed (SDK key, revision, URL without secrets). Never a secret, token or body. */
export type ErrorFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

export interface ErrorDetails {
  readonly code: ErrorCode;
  /** One sentence: what happened, to what. */
  readonly message: string;
  /** One sentence: what the operator should do. */
  readonly remedy: string;
  /** True where the same call may succeed later although nothing was changed. */
  readonly retryable: boolean;
  readonly fields?: ErrorFields;
  readonly cause?: unknown;
}

export class FanoutError extends Error {
  override readonly name = 'FanoutError';
  readonly code: ErrorCode;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly fields: ErrorFields;

  constructor(details: ErrorDetails) {
    super(maskUserInfo(details.message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = details.code;
    this.remedy = details.remedy;
    this.retryable = details.retryable;
    this.fields = details.fields ?? {};
  }
}

/** True for a FanoutError, of the given code when one is named. */
export function isFanoutError(error: unknown, code?: ErrorCode): error is FanoutError {
  return error instanceof FanoutError && (code === undefined || error.code === code);
}

/** An error flattened for one log line; follows `cause` one level. Unknown throwables keep their text. */
export function errorFields(error: unknown): Record<string, unknown> {
  if (isFanoutError(error)) {
    const cause = error.cause === undefined ? {} : { cause: messageOf(error.cause) };
    return {
      code: error.code,
      error: error.message,
      remedy: error.remedy,
      retryable: error.retryable,
      ...error.fields,
      ...cause,
    };
  }
  return { error: messageOf(error) };
}

/**
 * The text of anything thrown, without the credentials of a URL that clients like to quote. Some reject with an empty
 * message; then the name has to do.
 */
export function messageOf(error: unknown): string {
  return maskUserInfo(error instanceof Error ? error.message || error.name : String(error));
}
