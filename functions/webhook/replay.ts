// Webhooks that come again. While the first is still being handled, the repetition shares its answer. One that was answered 204
// within the window, or is stamped outside of it, is only a hint: it costs one look at the record and nothing at Optimizely.
// Signatures have been verified before.

import { errorFields, FanoutError } from '../../core/errors.ts';
import type { DatafileSource } from '../../core/projects.ts';
import { reachesRevision } from '../../core/version.ts';
import type { WebhookEvent } from '../../core/webhook.ts';
import type { Deps } from '../ports.ts';

/** Bodies remembered; each takes about a hundred bytes. The oldest gives way. */
export const REMEMBERED_MAX = 4_096;
/** Webhooks beyond these are not joined: the receiver takes far fewer at a time. */
export const UNDER_WAY_MAX = 1_024;

export class Replays {
  readonly #windowMs: number;
  readonly #underWay = new Map<string, Promise<number>>();
  /** The time until which each body is remembered; the next to be forgotten comes first. */
  readonly #answered = new Map<string, number>();

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get size(): number {
    return this.#answered.size + this.#underWay.size;
  }

  /**
   * The status that `work` resolves with; `work` learns whether this very body was answered 204 within the window. While the
   * same body is being handled already, this call shares that answer and runs no work.
   */
  once(body: string, nowMs: number, work: (isRepeated: boolean) => Promise<number>): Promise<number> {
    const underWay = this.#underWay.get(body);
    if (underWay !== undefined) return underWay;
    const working = work(this.#isAnswered(body, nowMs));
    if (this.#underWay.size >= UNDER_WAY_MAX) return working;
    const settled = working.then((status) => {
      if (status === 204) this.#remember(body, nowMs);
      return status;
    });
    this.#underWay.set(body, settled);
    const forget = () => void this.#underWay.delete(body);
    settled.then(forget, forget);
    return settled;
  }

  #isAnswered(body: string, nowMs: number): boolean {
    for (const [old, untilMs] of this.#answered) {
      if (untilMs > nowMs) break;
      this.#answered.delete(old);
    }
    return this.#answered.has(body);
  }

  #remember(body: string, nowMs: number): void {
    this.#answered.delete(body);
    if (this.#answered.size >= REMEMBERED_MAX)
      for (const oldest of this.#answered.keys()) {
        this.#answered.delete(oldest);
        break;
      }
    this.#answered.set(body, nowMs + this.#windowMs);
  }
}

export interface WindowSettings {
  /** Before and after now. */
  readonly windowMs: number;
  /** Webhooks outside of the window are refused rather than taken for hints. */
  readonly isWindowStrict: boolean;
}

/**
 * Whether a webhook was sent outside of the window. One without a stamp is not, unless the window is strict: Optimizely
 * stamps all of its webhooks, and a stamp cannot be taken away without the secret.
 * @throws FanoutError WEBHOOK_EXPIRED when the window is strict
 */
export function isOutsideWindow(
  { sentAtMs }: WebhookEvent,
  nowMs: number,
  { windowMs, isWindowStrict }: WindowSettings,
): boolean {
  const isOutside = sentAtMs === null ? isWindowStrict : Math.abs(nowMs - sentAtMs) > windowMs;
  if (isOutside && isWindowStrict) throw expired(sentAtMs, windowMs);
  return isOutside;
}

/** Whether the record has this revision, or a later one, of all that the webhook is about. False also when S3 cannot be read. */
export async function isRecorded(
  { record, log }: Pick<Deps, 'record' | 'log'>,
  sources: readonly DatafileSource[],
  revision: number,
): Promise<boolean> {
  try {
    const heads = await Promise.all(sources.map(({ sdkKey }) => record.readManifest(sdkKey)));
    return heads.every((head) => reachesRevision(head?.manifest, revision));
  } catch (error) {
    // The webhook is handled as usual then, which meets the same error and answers for it.
    log.warn('request.failed', { revision, ...errorFields(error) });
    return false;
  }
}

const expired = (sentAtMs: number | null, windowMs: number) =>
  new FanoutError({
    code: 'WEBHOOK_EXPIRED',
    message:
      sentAtMs === null
        ? 'The webhook does not say when it was sent'
        : `The webhook was sent at ${new Date(sentAtMs).toISOString()}, more than ${windowMs / 1000} s from now`,
    remedy:
      'Check the clock of this machine; without FANOUT_WEBHOOK_STRICT_WINDOW such webhooks are taken for hints.',
    retryable: false,
  });
