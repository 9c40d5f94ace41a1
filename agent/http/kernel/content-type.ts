// What a body is said to be. Pure.

import type { Exchange } from './exchange.ts';

const JSON_TYPE = 'application/json';

/** Whether a Content-Type says JSON, with parameters or without; the usual spelling costs no pattern. */
export const isJson = (contentType: unknown): boolean =>
  contentType === JSON_TYPE || /^application\/json\s*(?:;|$)/i.test(String(contentType ?? ''));

/** Whether a request announces no body, so that nothing can be of a wrong type. */
export const announcesNoBody = (exchange: Exchange): boolean =>
  exchange.header('transfer-encoding') === '' && Number(exchange.header('content-length')) === 0;
