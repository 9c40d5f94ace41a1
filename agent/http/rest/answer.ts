// Answers of the routes beside decide. They end with a line feed, as the original's do: its own tests compare the text.

import type { Exchange } from '../kernel/exchange.ts';
import { MALFORMED } from '../openapi/schema-body.ts';

const JSON_TYPE = 'application/json; charset=utf-8';

export const NO_USER = 'missing "userId" in request payload';

export function answer(exchange: Exchange, status: number, value: unknown): void {
  exchange.text(status, `${JSON.stringify(value)}\n`, JSON_TYPE);
}

export function refuse(exchange: Exchange, status: number, error: string): void {
  answer(exchange, status, { error });
}

/** The body is not what the route takes. */
export const malformed = (exchange: Exchange): void => refuse(exchange, 400, MALFORMED);
