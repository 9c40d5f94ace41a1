// What each route of the API takes and answers, said once: routes read their bodies by it, and the served OpenAPI
// document is made of it. Descriptions are for the people who read that document. Pure.

import { DECIDE_OPTIONS } from '../../decisions/flags/request.ts';
import { anything, flag, listOf, mapOf, object, type TypeOf, text } from './schema.ts';

const userId = text('The user whom the decision or the event is about.');
const userAttributes = anything('What is known of the user; audiences look at it.');

const SEGMENT_OPTIONS = ['IGNORE_CACHE', 'RESET_CACHE'] as const;

export const DECIDE_BODY = object(
  {
    userId,
    userAttributes,
    decideOptions: listOf(text('An option.', { enum: DECIDE_OPTIONS }), 'How to decide.'),
    forcedDecisions: listOf(
      object({
        flagKey: text('The flag.'),
        ruleKey: text('One rule of it; left out, the flag as a whole.'),
        variationKey: text('What to decide.'),
      }),
      'Decisions that are settled beforehand.',
    ),
    fetchSegments: flag("Ask the Data Platform for the user's segments before deciding."),
    fetchSegmentsOptions: listOf(
      text('An option.', { enum: SEGMENT_OPTIONS }),
      'How to use the cache of segments.',
    ),
  },
  ['userId'],
);

export const ACTIVATE_BODY = object({ userId, userAttributes }, ['userId']);

export const TRACK_BODY = object({
  userId,
  userAttributes,
  eventTags: anything('What is known of the event, for example `revenue` in cents and `value`.'),
});

export const OVERRIDE_BODY = object(
  {
    userId,
    experimentKey: text('The experiment.'),
    variationKey: text('The variation the user shall have; empty takes the override away.'),
  },
  ['userId', 'experimentKey'],
);

export const LOOKUP_BODY = object({ userId }, ['userId']);

export const SAVE_BODY = object(
  {
    userId,
    experimentBucketMap: anything('By experiment id: `{"variation_id": "…"}`.'),
  },
  ['userId'],
);

export const ODP_EVENT_BODY = object(
  {
    action: text('What happened.'),
    type: text('The kind of event; `fullstack` when left out.'),
    identifiers: mapOf(text('An id.'), 'Whom it happened to, by the name of the identifier.'),
    data: anything('What else is known: texts, numbers, booleans and nulls.'),
  },
  ['action', 'identifiers'],
);

export const BATCH_BODY = object(
  {
    operations: listOf(
      object(
        {
          method: text('The method.', { enum: ['GET', 'POST'] }),
          url: text('The path, for example `/v1/decide`.'),
          operationID: text('Comes back with the answer; answers have no order.'),
          body: anything('The body of a POST.'),
          params: mapOf(text('A value.'), 'The query parameters.'),
          headers: mapOf(
            text('A value.'),
            'The headers: the SDK key, and the content type where there is a body.',
          ),
        },
        ['method', 'url', 'operationID'],
      ),
      'What to do, in any order.',
    ),
  },
  ['operations'],
);
export type BatchOperation = TypeOf<typeof BATCH_BODY>['operations'][number];
