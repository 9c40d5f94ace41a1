// What can go wrong with events, in an operator's words.

import { FanoutError, messageOf } from '../../core/errors.ts';

export const undelivered = (url: string, reason: string) =>
  new FanoutError({
    code: 'EVENTS_UNDELIVERED',
    message: `The events endpoint ${originOf(url)} does not take events: ${reason}`,
    remedy: 'They wait and are sent when it is back; check OPTIMIZELY_CLIENT_EVENTURL and the network.',
    retryable: true,
  });

export const notKept = (cause: unknown) =>
  new FanoutError({
    code: 'EVENTS_NOT_KEPT',
    message: `Events cannot be kept on disk: ${messageOf(cause)}`,
    remedy: 'Make FANOUT_CACHE_DIR writable and give it room; until then events wait in memory alone.',
    retryable: true,
    cause,
  });

/** The rest of a URL may be secret. */
const originOf = (url: string): string => URL.parse(url)?.origin ?? 'that is set';
