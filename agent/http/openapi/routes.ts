// What each route is for, in the terms of OpenAPI: the rows from which the served document is made. Bodies come from the
// descriptions by which requests are read; answers are said here. A test holds this table to the routes that are there.

import type { JsonSchema, Schema } from './schema.ts';
import {
  ACTIVATE_BODY,
  BATCH_BODY,
  DECIDE_BODY,
  LOOKUP_BODY,
  ODP_EVENT_BODY,
  OVERRIDE_BODY,
  SAVE_BODY,
  TRACK_BODY,
} from './schema-routes.ts';

export interface RouteDescription {
  readonly operationId: string;
  readonly summary: string;
  readonly body?: Schema<unknown>;
  readonly bodyType?: string;
  readonly query?: Readonly<Record<string, JsonSchema & { readonly required?: boolean }>>;
  /** What a 200 holds; null: nothing. */
  readonly answer: JsonSchema | null;
  readonly answerType?: string;
  /** For routes that are not about one project, or whose requests name it in another way. */
  readonly withoutSdkKey?: true;
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const ANY = { type: 'object', additionalProperties: true } as const;
const BOOLEAN_TEXT = { type: 'string', enum: ['true', 'false'] } as const;
const many = (of: JsonSchema, description: string) => ({ type: 'array', items: of, description });
const record = (properties: Readonly<Record<string, JsonSchema>>): JsonSchema => ({
  type: 'object',
  properties,
});

const DECISION = record({
  flagKey: TEXT,
  enabled: FLAG,
  variationKey: TEXT,
  ruleKey: TEXT,
  variables: ANY,
  userContext: record({ userId: TEXT, attributes: ANY }),
  reasons: { type: 'array', items: TEXT },
  isEveryoneElseVariation: FLAG,
  cmabUUID: TEXT,
});
const ACTIVATION = record({
  userId: TEXT,
  experimentKey: TEXT,
  featureKey: TEXT,
  variationKey: TEXT,
  type: { type: 'string', enum: ['experiment', 'feature', ''] },
  variables: ANY,
  enabled: FLAG,
  error: TEXT,
});
const OVERRIDE = record({
  userId: TEXT,
  experimentKey: TEXT,
  variationKey: TEXT,
  prevVariationKey: TEXT,
  messages: { type: 'array', items: TEXT, nullable: true },
});
const BATCH = record({
  startedAt: TEXT,
  endedAt: TEXT,
  errorCount: { type: 'integer' },
  response: {
    type: 'array',
    items: record({
      status: { type: 'integer' },
      requestID: TEXT,
      operationID: TEXT,
      method: TEXT,
      url: TEXT,
      body: { nullable: true },
      startedAt: TEXT,
      endedAt: TEXT,
    }),
  },
});

/** By method and path, as routes are mounted. */
export const ROUTE_DESCRIPTIONS: Readonly<Record<string, RouteDescription>> = {
  'POST /v1/decide': {
    operationId: 'decide',
    summary: 'Decides one flag (an object), several or all (a list) for a user.',
    body: DECIDE_BODY,
    query: { keys: many(TEXT, 'Flag keys; none means all.') },
    answer: { oneOf: [DECISION, { type: 'array', items: DECISION }] },
  },
  'POST /v1/activate': {
    operationId: 'activate',
    summary: 'Decides experiments and flags for a user.',
    body: ACTIVATE_BODY,
    query: {
      experimentKey: many(TEXT, 'Experiments to decide.'),
      featureKey: many(TEXT, 'Flags to decide.'),
      type: many({ type: 'string', enum: ['experiment', 'feature'] }, 'All of a kind.'),
      disableTracking: { ...BOOLEAN_TEXT, description: '`true`: no impressions are sent.' },
      enabled: { ...BOOLEAN_TEXT, description: 'Only what is, or is not, enabled.' },
    },
    answer: { type: 'array', items: ACTIVATION },
  },
  'POST /v1/track': {
    operationId: 'trackEvent',
    summary: 'Tracks a conversion event of a user.',
    body: TRACK_BODY,
    query: { eventKey: { ...TEXT, description: 'The event.', required: true } },
    answer: record({ userId: TEXT, eventKey: TEXT, error: TEXT }),
  },
  'POST /v1/override': {
    operationId: 'override',
    summary: 'Forces a variation on a user, for testing; kept in memory.',
    body: OVERRIDE_BODY,
    answer: OVERRIDE,
  },
  'POST /v1/lookup': {
    operationId: 'lookup',
    summary: 'What the user profile service knows of a user.',
    body: LOOKUP_BODY,
    answer: record({ userId: TEXT, experimentBucketMap: ANY }),
  },
  'POST /v1/save': {
    operationId: 'save',
    summary: 'Replaces what the user profile service knows of a user.',
    body: SAVE_BODY,
    answer: null,
  },
  'POST /v1/reset': {
    operationId: 'reset',
    summary: 'Forgets overrides, profiles and caches of a project in this agent; for tests.',
    answer: record({ result: FLAG }),
  },
  'POST /v1/send-odp-event': {
    operationId: 'sendOdpEvent',
    summary: "Sends an event to Optimizely's Data Platform.",
    body: ODP_EVENT_BODY,
    answer: record({ success: FLAG }),
  },
  'POST /v1/batch': {
    operationId: 'batch',
    summary: 'Several requests in one.',
    body: BATCH_BODY,
    answer: BATCH,
    withoutSdkKey: true,
  },
  'GET /v1/config': {
    operationId: 'getConfig',
    summary: 'The project as the SDK describes it.',
    answer: ANY,
  },
  'GET /v1/datafile': {
    operationId: 'getDatafile',
    summary: 'The datafile, byte for byte as it was published.',
    answer: ANY,
  },
};
