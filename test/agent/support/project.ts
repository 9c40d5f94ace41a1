// A project of a few rules, and an agent that serves it: with an endpoint for its events, one for predictions, and a listener.

import { onTestFinished } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { bytesOf, projectOf } from '../../support/project-builder.ts';
import { startAgent, type TestAgent } from './agent.ts';
import { KEY, MemoryRecord, PROJECT_ID } from './fakes.ts';
import { startHttp, type TestAnswer } from './http.ts';
import { post } from './services.ts';
import { openSse } from './sse.ts';

/** An event of a separate user: once it has come, all earlier events have come too. */
const LAST_EVENT = 'last';
const LAST = { userId: 'last' };

/** Parts of a datafile; those left out are empty. */
type Parts = Readonly<Record<string, unknown>> & { readonly events?: readonly object[] };

export const projectBody = (parts: Parts, revision = 1): Buffer =>
  bytesOf(
    projectOf(
      {
        projectId: PROJECT_ID,
        ...parts,
        events: [...(parts.events ?? []), { id: '99', key: LAST_EVENT, experimentIds: [] }],
      },
      revision,
    ),
  );

export interface ProjectAgent {
  readonly agent: TestAgent;
  /** The answer of the prediction endpoint; at first it fails. */
  prediction: TestAnswer;
  readonly predictions: () => number;
  post(path: string, body: object): ReturnType<typeof post>;
  /** All events so far, once there are at least so many. */
  events(count: number): Promise<SentEvent[]>;
  /** The notifications of the decisions that `decide` makes. */
  notesOf(decide: () => Promise<unknown>): Promise<Notification[]>;
}

export interface Notification {
  readonly Type: string;
  readonly UserContext: {
    readonly ID: string;
    readonly Attributes: unknown;
    readonly QualifiedSegments: unknown;
  };
  readonly DecisionInfo: Readonly<Record<string, unknown>>;
}

export interface SentEvent {
  readonly head: Readonly<Record<string, unknown>>;
  readonly visitorId: string;
  readonly attributes: readonly object[];
  readonly decision: Readonly<Record<string, unknown>> | undefined;
  readonly event: Readonly<Record<string, unknown>>;
}

const MEMORY_PROFILES = '{"default":"in-memory","services":{"in-memory":{}}}';

export async function startProject(parts: object, env: Record<string, string> = {}): Promise<ProjectAgent> {
  const seen = { predictions: 0, events: [] as SentEvent[] };
  const outside = await startHttp(({ url, body }) => {
    if (url.startsWith('/predict/')) {
      seen.predictions++;
      return project.prediction;
    }
    if (url === '/v3/graphql') {
      const edges = [{ node: { name: 'vip', state: 'qualified' } }];
      return { status: 200, body: JSON.stringify({ data: { customer: { audiences: { edges } } } }) };
    }
    if (url === '/events')
      seen.events.push(...eventsIn(body).filter(({ visitorId }) => visitorId !== LAST.userId));
    return { status: 204 };
  });
  onTestFinished(() => outside.close());
  const record = new MemoryRecord();
  const odp = { key: 'odp', host: outside.url, publicKey: 'odp-key', pixelUrl: '' };
  record.publish(KEY, projectBody({ integrations: [odp], ...parts }));
  const agent = await startAgent({
    record,
    env: {
      OPTIMIZELY_CMAB_PREDICTIONENDPOINT: `${outside.url}/predict/%s`,
      OPTIMIZELY_CMAB_RETRYCONFIG: '{"maxRetries":0}',
      OPTIMIZELY_CLIENT_EVENTURL: `${outside.url}/events`,
      OPTIMIZELY_CLIENT_FLUSHINTERVAL: '20ms',
      OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true',
      OPTIMIZELY_API_ENABLEOVERRIDES: 'true',
      FANOUT_ODP_HOSTS: outside.url,
      ...env,
    },
  });
  await eventually('the datafile is served', async () => (await agent.get('/v1/config')).status === 200);
  const project: ProjectAgent = {
    agent,
    prediction: { status: 500 },
    predictions: () => seen.predictions,
    post: (path, body) => post(agent, path, body),
    events: async (count) => {
      await eventually(`${count} events are sent`, () => seen.events.length >= count);
      return seen.events;
    },
    notesOf: async (decide) => {
      const stream = await openSse(`${agent.api}/v1/notifications/event-stream`, {
        'x-optimizely-sdk-key': KEY,
      });
      await decide();
      await post(agent, `/v1/track?eventKey=${LAST_EVENT}`, LAST);
      const notes = () => stream.data.map((text) => JSON.parse(text) as Notification);
      await eventually('the last note comes', () => notes().some((it) => it.UserContext.ID === LAST.userId));
      stream.close();
      return notes().filter((it) => it.UserContext.ID !== LAST.userId);
    },
  };
  return project;
}

/** Settings under which users keep their variations. */
export const WITH_MEMORY_PROFILES = { OPTIMIZELY_CLIENT_USERPROFILESERVICE: MEMORY_PROFILES };

export const predicts = (variationId: string): TestAnswer => ({
  status: 200,
  body: JSON.stringify({ predictions: [{ variation_id: variationId }] }),
});

interface Batch {
  readonly visitors: readonly {
    readonly visitor_id: string;
    readonly attributes: readonly object[];
    readonly snapshots: readonly {
      readonly decisions?: readonly Readonly<Record<string, unknown>>[];
      readonly events: readonly Readonly<Record<string, unknown>>[];
    }[];
  }[];
}

function eventsIn(body: string): SentEvent[] {
  const { visitors, ...head } = JSON.parse(body) as Batch;
  return visitors.flatMap(({ visitor_id: visitorId, attributes, snapshots }) =>
    snapshots.flatMap(({ decisions, events }) =>
      events.map((event) => ({ head, visitorId, attributes, decision: decisions?.[0], event })),
    ),
  );
}
