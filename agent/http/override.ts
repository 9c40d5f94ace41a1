// POST /v1/override: forces a variation on a user, for testing. Off unless the operator turns it on.

import type { FlagClient } from '../clients.ts';
import type { Overrides } from '../overrides.ts';
import { OVERRIDES_MAX } from '../overrides.ts';
import type { Held } from '../store.ts';
import { answer, malformed, refuse } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { type ProjectKeys, projectKeys } from './project-keys.ts';
import { readBody } from './schema-body.ts';
import { OVERRIDE_BODY } from './schema-routes.ts';
import type { FlagHandler } from './with-datafile.ts';

/** @param overrides null where they are not enabled */
export function overrideHandler(overrides: Overrides | null): FlagHandler {
  if (overrides === null) return (exchange) => exchange.text(403, 'Overrides not enabled\n');
  return (exchange, held) => override(overrides, exchange, held);
}

function override(overrides: Overrides, exchange: Exchange, held: Held<FlagClient>) {
  const body = readBody(OVERRIDE_BODY, exchange.body);
  if (body === null) return malformed(exchange);
  const { userId, experimentKey, variationKey } = body;
  if (userId === '') return refuse(exchange, 400, 'userId cannot be empty');
  // Kept it could be, but not put into the SDK, which has its users in a plain object.
  if (userId in Object.prototype || userId === 'undefined')
    return refuse(exchange, 400, `overrides of user "${userId}" are not possible`);
  if (experimentKey === '') return refuse(exchange, 400, 'experimentKey cannot be empty');
  const { sdkKey } = held;
  const previous = overrides.get(sdkKey, userId, experimentKey);
  const change = { sdkKey, userId, experimentKey, variationKey: variationKey === '' ? null : variationKey };
  if (!overrides.set(change, held.built.sdk))
    return refuse(exchange, 429, `there are ${OVERRIDES_MAX} overrides already; remove some first`);
  answer(exchange, 200, {
    ...{ userId, experimentKey, variationKey, prevVariationKey: previous ?? '' },
    messages:
      variationKey === ''
        ? [previous === null ? 'no pre-existing override' : 'removing previous override']
        : messagesOf(projectKeys(held.built), experimentKey, variationKey, previous !== null),
  });
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
