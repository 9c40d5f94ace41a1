// What an event holds beside what the SDK puts there.

import { describe, expect, it } from 'vitest';
import { flag, rule, variation } from '../../support/project-builder.ts';
import { startProject } from '../support/project.ts';

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

it('every event names its sender as the original does, with the version of this agent', async () => {
  const { post, events } = await startProject(PARTS);
  for (const userId of ['one', 'two']) await post('/v1/decide?keys=flag', { userId });
  await post('/v1/track?eventKey=bought', { userId: 'three' });
  for (const { head } of await events(3)) {
    expect(head.client_name).toBe('Agent');
    expect(head.client_version).toMatch(/^\d+\.\d+\.\d+$/);
  }
});

it.each([
  [{}, false],
  [{ botFiltering: null }, false],
  [{ botFiltering: true }, true],
])('every event says whether bots are filtered: of a datafile with %j', async (more, value) => {
  const { post, events } = await startProject({ ...PARTS, botFiltering: undefined, ...more });
  for (const userId of ['one', 'two']) await post('/v1/decide?keys=flag', { userId });
  const bots = { entity_id: '$opt_bot_filtering', key: '$opt_bot_filtering', type: 'custom', value };
  const sent = await events(2);
  expect(sent.map(({ attributes }) => attributes)).toEqual([[bots], [bots]]);
});

describe('tags of a conversion', () => {
  it.each([
    [undefined, undefined],
    [null, undefined],
    [{}, undefined],
    [
      { a: null, b: 1 },
      { a: null, b: 1 },
    ],
    [{ gone: null }, { gone: null }],
  ])('tags of a conversion are sent, and told of, as they came: %j', async (eventTags, tags) => {
    const { post, events, notesOf } = await startProject(PARTS);
    const [note] = await notesOf(() => post('/v1/track?eventKey=bought', { userId: 'ann', eventTags }));
    const [sent] = await events(1);
    expect(sent?.event.tags).toEqual(tags);
    const told = (note as unknown as { ConversionEvent: { tags?: unknown } }).ConversionEvent;
    expect(told.tags).toEqual(tags);
  });
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
  ])('revenue and value of a conversion are what counts of %j', async (eventTags, counted) => {
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
