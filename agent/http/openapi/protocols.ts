// Rows of the served document about what is beside the original's routes: streams, the CDN's address, OpenFeature's
// protocol, tokens and health. Their bodies are read by rules of their own; here is only how they look.

import type { RouteDescription } from './routes.ts';
import { anything, object, text } from './schema.ts';

const TEXT = { type: 'string' } as const;
const ANY = { type: 'object', additionalProperties: true } as const;
const STREAM = { answer: TEXT, answerType: 'text/event-stream' } as const;
const CONTEXT = object({
  context: anything('`targetingKey` is the user; all else are attributes of the user.'),
});
const EVALUATION = {
  type: 'object',
  properties: { key: TEXT, value: {}, variant: TEXT, reason: TEXT, metadata: ANY },
} as const;
const HEALTH = { answer: ANY, withoutSdkKey: true } as const;

export const PROTOCOL_DESCRIPTIONS: Readonly<Record<string, RouteDescription>> = {
  'GET /v1/notifications/event-stream': {
    operationId: 'notifications',
    summary: 'Decisions and events as they happen, of every agent on the bus.',
    query: {
      filter: { type: 'array', items: TEXT, description: 'Kinds of notifications; none means all.' },
      raw: { ...TEXT, description: 'Present: without the framing of server-sent events.' },
    },
    ...STREAM,
  },
  'GET /v1/datafile/stream': {
    operationId: 'datafileStream',
    summary: 'Which datafile serves, now and after every change.',
    ...STREAM,
  },
  'GET /datafiles/{sdkKey}.json': {
    operationId: 'datafileFile',
    summary: "The datafile as Optimizely's CDN would serve it; with a bearer token where the key has one.",
    answer: ANY,
    withoutSdkKey: true,
  },
  'POST /ofrep/v1/evaluate/flags': {
    operationId: 'ofrepAll',
    summary: 'OpenFeature: all flags for a context, with an ETag.',
    body: CONTEXT,
    answer: { type: 'object', properties: { flags: { type: 'array', items: EVALUATION }, metadata: ANY } },
  },
  'POST /ofrep/v1/evaluate/flags/{key}': {
    operationId: 'ofrepOne',
    summary: 'OpenFeature: one flag for a context.',
    body: CONTEXT,
    answer: EVALUATION,
  },
  'POST /oauth/token': {
    operationId: 'token',
    summary: 'A token for a client with its credentials.',
    body: object({
      grant_type: text('`client_credentials`.'),
      client_id: text('The client.'),
      client_secret: text('Its secret.'),
    }),
    bodyType: 'application/x-www-form-urlencoded',
    answer: {
      type: 'object',
      properties: { access_token: TEXT, token_type: TEXT, expires_in: { type: 'integer' } },
    },
    withoutSdkKey: true,
  },
  'GET /health': {
    operationId: 'health',
    summary: 'The process answers, and how the agent is, datafile by datafile.',
    ...HEALTH,
  },
  'GET /health/live': { operationId: 'live', summary: 'The process answers.', ...HEALTH },
  'GET /health/ready': {
    operationId: 'ready',
    summary: 'Every configured key that exists has a datafile.',
    ...HEALTH,
  },
};
