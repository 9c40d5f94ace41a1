// POST /v1/send-odp-event: an event for Optimizely's Data Platform. Taken is not sent: that is done
// in the background, in batches.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { type Bounds, countProblem } from '../door/user-limits.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { readBody } from '../openapi/schema-body.ts';
import { ODP_EVENT_BODY } from '../openapi/schema-routes.ts';
import { answer, malformed, refuse } from './answer.ts';

/** What the original's SDK sends when the type is left out. */
const DEFAULT_TYPE = 'fullstack';
/** The original's limit: beyond it a double no longer holds every whole number. */
const NUMBER_MAX = 2 ** 53;

export const sendOdpEventHandler =
  (isEnabled: boolean, bounds: Bounds): FlagHandler =>
  (exchange, held) =>
    sendOdpEvent(isEnabled, bounds, exchange, held);

function sendOdpEvent(isEnabled: boolean, { limits }: Bounds, exchange: Exchange, held: Held<FlagClient>) {
  const body = readBody(ODP_EVENT_BODY, exchange.body);
  if (body === null) return malformed(exchange);
  const { action, type, identifiers, data } = body;
  if (action === '') return refuse(exchange, 400, 'missing "action" in request payload');
  if (Object.keys(identifiers).length === 0)
    return refuse(exchange, 400, 'missing or empty "identifiers" in request payload');
  const problem = countProblem('identifiers', identifiers, limits) ?? countProblem('data', data, limits);
  if (problem !== null) return refuse(exchange, 400, problem);
  // From here on 500, as in the original, although some of it is the request's fault.
  if (!isEnabled) return refuse(exchange, 500, 'ODP is not enabled');
  const { odp } = held.built;
  if (odp === null) return refuse(exchange, 500, 'ODP is not integrated');
  if (!Object.values(data).every(isPlain)) return refuse(exchange, 500, 'ODP data is not valid');
  const isTaken = odp.send({ action, type: type === '' ? DEFAULT_TYPE : type, identifiers, data });
  if (!isTaken) return refuse(exchange, 500, 'ODP EventQueue is full');
  answer(exchange, 200, { success: true });
}

const isPlain = (value: unknown): boolean =>
  typeof value === 'number' ? Math.abs(value) <= NUMBER_MAX : value === null || typeof value !== 'object';
