// A time limit for calls of other services.

import { type Clock, withinMs } from '../../core/clock.ts';
import { FanoutError } from '../../core/errors.ts';

/**
 * The result of `work`, or a failure when it takes longer; a later result is dropped.
 * @param service who is asked, in an operator's words
 * @throws FanoutError SERVICE_FAILED after `timeoutMs`
 */
export function within<T>(clock: Clock, timeoutMs: number, service: string, work: Promise<T>): Promise<T> {
  return withinMs(clock, timeoutMs, work, () => {
    throw serviceFailed(service, `no answer within ${timeoutMs} ms`);
  });
}

/** @param service never with what it was asked for: that may be about a user */
export const serviceFailed = (service: string, reason: string, cause?: unknown) =>
  new FanoutError({
    code: 'SERVICE_FAILED',
    message: `${service} failed: ${reason}`,
    remedy:
      'Check its address in the settings, that it is up, and the network between; decisions go on without it.',
    retryable: true,
    cause,
  });
