// POST /v1/activate and /v1/track: what is answered, and what is sent because of it.

import { describe, expect, it, onTestFinished } from 'vitest';
import { eventually } from '../../../../support/eventually.ts';
import { startHttp, type TestHttp } from '../../../support/http.ts';
import { type RecordedAgent, startRecorded } from '../../recorded-agent.ts';

interface Batch {
  readonly visitors: readonly {
    readonly visitor_id: string;
    readonly snapshots: readonly { readonly events: readonly { readonly key: string }[] }[];
  }[];
}

/** Where the agent sends its events. */
async function startEndpoint(): Promise<TestHttp> {
  const endpoint = await startHttp(() => ({ status: 204 }));
  onTestFinished(() => endpoint.close());
  return endpoint;
}

const eventsOf = (endpoint: TestHttp): string[] =>
  endpoint.seen.flatMap(({ body }) =>
    (JSON.parse(body) as Batch).visitors.flatMap(({ visitor_id, snapshots }) =>
      snapshots.flatMap(({ events }) => events.map(({ key }) => `${visitor_id} ${key}`)),
    ),
  );

const startWith = (endpoint: TestHttp): Promise<RecordedAgent> =>
  startRecorded({
    env: { OPTIMIZELY_CLIENT_EVENTURL: endpoint.url, OPTIMIZELY_CLIENT_FLUSHINTERVAL: '20ms' },
  });

describe('activate', () => {
  it('answers each key once, however often it is named, and of equal names the flag', async () => {
    const { post } = await startRecorded();
    const keys =
      'type=experiment&experimentKey=exp_5&experimentKey=exp_5&experimentKey=flag_5&featureKey=flag_5';
    const { json } = await post(`/v1/activate?${keys}`, { userId: 'alice' });
    const named = json.map((one: { experimentKey: string; featureKey: string }) =>
      one.featureKey === '' ? one.experimentKey : one.featureKey,
    );
    expect(named.filter((key: string) => key === 'exp_5')).toHaveLength(1);
    expect(named.filter((key: string) => key === 'flag_5')).toHaveLength(1);
    expect(json.find((one: { featureKey: string }) => one.featureKey === 'flag_5').type).toBe('feature');
  });

  it('activate of an empty key says that there is none', async () => {
    const { post } = await startRecorded();
    expect((await post('/v1/activate?experimentKey=', { userId: 'u' })).json).toEqual([
      {
        ...{ userId: 'u', experimentKey: '', featureKey: '', variationKey: '', type: '', enabled: false },
        error: 'experimentKey not found',
      },
    ]);
    expect((await post('/v1/activate?type=', { userId: 'u' })).json).toEqual({
      error: 'type "" not supported',
    });
  });

  it('sends an impression for each decision, unless tracking is off', async () => {
    const endpoint = await startEndpoint();
    const { post } = await startWith(endpoint);
    await post('/v1/activate?experimentKey=exp_5&featureKey=flag_5&disableTracking=true', {
      userId: 'quiet',
    });
    await post('/v1/activate?experimentKey=exp_5', { userId: 'by-experiment' });
    await post('/v1/activate?featureKey=flag_5', { userId: 'by-flag' });
    const impressions = ['by-experiment campaign_activated', 'by-flag campaign_activated'];
    await eventually('both are sent', () => eventsOf(endpoint).length >= 2);
    expect(eventsOf(endpoint).sort()).toEqual(impressions);
  });
});

describe('track', () => {
  it('sends an event that the project knows, and no other', async () => {
    const endpoint = await startEndpoint();
    const { post } = await startWith(endpoint);
    const unknown = await post('/v1/track?eventKey=a"b', { userId: 'u' });
    expect(unknown.text).toBe(
      '{"userId":"u","eventKey":"a\\"b","error":"event with key \\"a\\"b\\" not found"}\n',
    );
    const known = await post('/v1/track?eventKey=myevent', { userId: 'u', eventTags: { revenue: 5 } });
    expect(known.text).toBe('{"userId":"u","eventKey":"myevent"}\n');
    await eventually('it is sent', () => eventsOf(endpoint).length >= 1);
    expect(eventsOf(endpoint)).toEqual(['u myevent']);
  });

  it.each([['a user whom the SDK takes for a mistake', { userId: 'undefined' }]])(
    'refuses %s, where the SDK would drop the event in silence',
    async (_, body) => {
      const { post } = await startRecorded();
      expect((await post('/v1/track?eventKey=myevent', body)).status).toBe(400);
    },
  );
});
