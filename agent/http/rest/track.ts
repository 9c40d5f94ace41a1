// POST /v1/track: a conversion event. Taken is not sent: batching and sending are elsewhere.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import { forSdk } from '../../decisions/flags/sdk-user.ts';
import { inContext } from '../../decisions/request-context.ts';
import type { SdkAttributes, SdkTags } from '../../decisions/sdk-types.ts';
import { trackNotification } from '../../notifications/notification.ts';
import { type Bounds, countProblem, userProblem } from '../door/user-limits.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { TypeOf } from '../openapi/schema.ts';
import { wasLeftOut } from '../openapi/schema.ts';
import { readBody } from '../openapi/schema-body.ts';
import { TRACK_BODY } from '../openapi/schema-routes.ts';
import { projectKeys } from '../project/project-keys.ts';
import { answer, malformed, refuse } from './answer.ts';

export const trackHandler =
  (bounds: Bounds): FlagHandler =>
  (exchange, held) =>
    track(bounds, exchange, held);

function track({ limits }: Bounds, exchange: Exchange, held: Held<FlagClient>) {
  const body = readBody(TRACK_BODY, exchange.body);
  if (body === null) return malformed(exchange);
  const eventKey = exchange.query('eventKey')[0] ?? '';
  // The original's words: it once was a path parameter.
  if (eventKey === '') return refuse(exchange, 400, 'missing required path parameter: eventKey');
  const { userId, userAttributes, eventTags } = body;
  const problem =
    userProblem(userId, userAttributes, limits) ?? countProblem('event tags', eventTags, limits);
  if (problem !== null) return refuse(exchange, 400, problem);
  if (!projectKeys(held).events.has(eventKey)) {
    const error = `event with key "${eventKey}" not found`;
    return answer(exchange, 200, { userId, eventKey, error });
  }
  // The SDK takes null tags away from the object that it is given.
  const tags = { ...forSdk(eventTags) } as SdkTags;
  inContext({ eventTags, trackNotification: (payload) => trackNotification(payload, asTold(body)) }, () =>
    held.built.sdk.track(eventKey, userId, forSdk(userAttributes) as SdkAttributes, tags),
  );
  answer(exchange, 200, { userId, eventKey });
}

/** What listeners are told of the request: null for what it has not. */
function asTold({ userAttributes, eventTags }: TypeOf<typeof TRACK_BODY>) {
  return {
    attributes: wasLeftOut(userAttributes) ? null : userAttributes,
    eventTags: wasLeftOut(eventTags) ? null : eventTags,
  };
}
