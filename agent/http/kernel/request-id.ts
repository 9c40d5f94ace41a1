// By which id a request is known: the client's own, else one that is made for it. Pure, but for the id that is made.

import type { IncomingMessage } from 'node:http';

const NO_REQUEST_ID = () => '';

/** @param newRequestId left out: a request that brings no id has none, and the text is empty */
export function requestIdOf(
  { headers }: Pick<IncomingMessage, 'headers'>,
  newRequestId: () => string = NO_REQUEST_ID,
): string {
  const own = headers['x-request-id'];
  return typeof own === 'string' && own !== '' ? own : newRequestId();
}
