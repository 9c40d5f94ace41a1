// What an event holds beside what the SDK puts there.

import { describe, expect, it } from 'vitest';
import { flag, rule, startProject, variation } from '../support/project.ts';

const EVENTS = [{ id: '95', key: 'bought', experimentIds: [] }];
const PARTS = {
  events: EVENTS,
  experiments: [rule('21', 'test', [variation('31', 'on')])],
  featureFlags: [flag('1', 'flag', ['21'])],
};

it.each([
  ['US', {}],
  ['US', { region: '' }],
  ['EU', { region: 'EU' }],
])('every event names its region: %s of a datafile with %j', async (region, more) => {
  const { post, events } = await startProject({ ...PARTS, ...more });
  // The second is put together from the first.
  for (const userId of ['one', 'two']) await post('/v1/decide?keys=flag', { userId });
  await post('/v1/track?eventKey=bought', { userId: 'three' });
  const sent = await events(3);
  expect(sent.map(({ visitorId, head }) => [visitorId, head.region])).toEqual(
    ['one', 'two', 'three'].map((userId) => [userId, region]),
  );
});

describe('revenue and value of a conversion', () => {
  it.each([
    [
      { revenue: 5, value: 1.5 },
      { revenue: 5, value: 1.5 },
    ],
    [
      { revenue: '7', value: '2.5' },
      { revenue: 7, value: 2.5 },
    ],
    [
      { revenue: 0, value: 0 },
      { revenue: 0, value: 0 },
    ],
    [{ revenue: true, value: true }, {}],
    [{ revenue: [], value: [] }, {}],
    [{ revenue: [5], value: [5] }, {}],
    [{ revenue: {}, value: {} }, {}],
  ])('are what counts of %j', async (eventTags, counted) => {
    const { post, events, notesOf } = await startProject(PARTS);
    const [note] = await notesOf(() => post('/v1/track?eventKey=bought', { userId: 'ann', eventTags }));
    const [sent] = await events(1);
    const { entity_id, key, timestamp, uuid, tags, ...metrics } = sent?.event ?? {};
    expect([entity_id, key, tags]).toEqual(['95', 'bought', eventTags]);
    expect(metrics).toEqual(counted);
    const told = (note as unknown as { ConversionEvent: Record<string, unknown> }).ConversionEvent;
    const { Attributes, ...conversion } = told;
    expect(conversion).toEqual({ entity_id, key, tags, ...counted });
  });
});

it('listeners are told of a conversion as it came', async () => {
  const { post, notesOf } = await startProject(PARTS);
  const notes = await notesOf(async () => {
    for (const more of [{}, { eventTags: {}, userAttributes: {} }, { eventTags: { gone: null } }])
      await post('/v1/track?eventKey=bought', { userId: 'ann', ...more });
  });
  const told = notes.map((note) => [
    note.UserContext.Attributes,
    (note as unknown as { EventTags: unknown }).EventTags,
  ]);
  expect(told).toEqual([
    [null, null],
    [{}, {}],
    [null, { gone: null }],
  ]);
});
