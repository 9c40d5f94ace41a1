// POST /v1/override: forces a variation on a user, for testing. Off unless the operator turns it on.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { OVERRIDES_CHARACTERS_MAX, OVERRIDES_MAX } from '../../decisions/overrides.ts';
import type { UserState } from '../../decisions/user-state.ts';
import { type Bounds, userIdProblem } from '../door/user-limits.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { readBody } from '../openapi/schema-body.ts';
import { OVERRIDE_BODY } from '../openapi/schema-routes.ts';
import { type ProjectKeys, projectKeys } from '../project/project-keys.ts';
import { answer, malformed, refuse } from './answer.ts';
import { whenSettled } from './when-settled.ts';

type Kept = Pick<UserState, 'overrides' | 'settled'>;

/** @param users null where overrides are not enabled */
export function overrideHandler(users: Kept | null, bounds: Bounds): FlagHandler {
  if (users === null) return (exchange) => exchange.text(403, 'Overrides not enabled\n');
  return (exchange, held) => override(users, bounds, exchange, held);
}

function override(
  { overrides, settled }: Kept,
  { limits }: Bounds,
  exchange: Exchange,
  held: Held<FlagClient>,
): void | Promise<void> {
  const body = readBody(OVERRIDE_BODY, exchange.body);
  if (body === null) return malformed(exchange);
  const { userId, experimentKey, variationKey } = body;
  if (userId === '') return refuse(exchange, 400, 'userId cannot be empty');
  const problem = userIdProblem(userId, limits);
  if (problem !== null) return refuse(exchange, 400, problem);
  // Kept it could be, but not put into the SDK, which has its users in a plain object.
  if (userId in Object.prototype || userId === 'undefined')
    return refuse(exchange, 400, `overrides of user "${userId}" are not possible`);
  if (experimentKey === '') return refuse(exchange, 400, 'experimentKey cannot be empty');
  const { sdkKey } = held;
  const previous = overrides.get(sdkKey, userId, experimentKey);
  const change = { sdkKey, userId, experimentKey, variationKey: variationKey === '' ? null : variationKey };
  if (!overrides.set(change, held.built))
    return refuse(
      exchange,
      429,
      `there are ${OVERRIDES_MAX} overrides, or ${OVERRIDES_CHARACTERS_MAX} characters of them, already; remove some first`,
    );
  const messages =
    variationKey === ''
      ? [previous === null ? 'no pre-existing override' : 'removing previous override']
      : messagesOf(projectKeys(held), experimentKey, variationKey, previous !== null);
  const prevVariationKey = previous ?? '';
  return whenSettled(settled, () =>
    answer(exchange, 200, { userId, experimentKey, variationKey, prevVariationKey, messages }),
  );
}

/** Null for none, as in the original. */
function messagesOf(
  { experiments }: ProjectKeys,
  experimentKey: string,
  variationKey: string,
  hadOne: boolean,
): readonly string[] | null {
  const messages: string[] = [];
  const variations = experiments.get(experimentKey);
  if (variations === undefined) messages.push('experimentKey not found in configuration');
  else if (!variations.has(variationKey)) messages.push('variationKey not found in configuration');
  if (hadOne) messages.push('updating previous override');
  return messages.length > 0 ? messages : null;
}
