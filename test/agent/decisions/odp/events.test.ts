import { describe, expect, it } from 'vitest';
import { EVENTS_MAX, OdpEvents } from '../../../../agent/decisions/odp/events.ts';
import type { Answer } from '../../../../agent/services/requester.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { settled } from '../../support/fakes.ts';

const PROJECT = { host: 'https://odp.example', apiKey: 'key', segments: [] };
const OTHER = { ...PROJECT, apiKey: 'other' };
const event = (action = 'seen') => ({ type: 't', action, identifiers: { email: 'a@b' }, data: {} });

function eventsAnswering(respond: (attempt: number) => number | Promise<number>, flushIntervalMs = 1_000) {
  const clock = new ManualClock();
  const batches: { readonly key: string; readonly events: { action: string; identifiers: object }[] }[] = [];
  const troubles: string[] = [];
  const events = new OdpEvents(
    {
      ...{ origins: [], disable: false, eventsRequestTimeoutMs: 5, segmentsRequestTimeoutMs: 5 },
      eventsFlushIntervalMs: flushIntervalMs,
      segmentsCache: { default: null, services: new Map() },
    },
    {
      ...{ clock, random: () => 0.5, version: '9.9' },
      onFailure: ({ what }) => void troubles.push(what),
      ask: async (_service, url, { body = '', headers }): Promise<Answer> => {
        expect(url).toBe('https://odp.example/v3/events');
        batches.push({ key: headers?.['x-api-key'] ?? '', events: JSON.parse(body) });
        return { status: await respond(batches.length), text: '' };
      },
    },
  );
  const actions = () => batches.map((batch) => batch.events.map(({ action }) => action));
  return { events, clock, batches, actions, troubles };
}

describe('events for the Data Platform', () => {
  it('events for the Data Platform are sent together after a moment, with what the platform wants to know', async () => {
    const { events, clock, batches } = eventsAnswering(() => 200);
    events.add(PROJECT, {
      ...event(),
      identifiers: { 'FS-USER-ID': 'u', email: 'e' },
      data: { a: 1, data_source: 'x' },
    });
    events.add(PROJECT, event('again'));
    await settled();
    expect(batches).toEqual([]);
    clock.advance(1_000);
    await settled();
    expect(batches).toHaveLength(1);
    expect(batches[0]?.key).toBe('key');
    expect(batches[0]?.events[0]).toEqual({
      ...{ type: 't', action: 'seen', identifiers: { fs_user_id: 'u', email: 'e' } },
      data: {
        idempotence_id: '80000000-8000-4000-a000-000080000000',
        ...{ data_source_type: 'sdk', data_source: 'x', data_source_version: '9.9', a: 1 },
      },
    });
  });

  it('name the agent as their source, as the original does', async () => {
    const { events, clock, batches } = eventsAnswering(() => 200);
    events.add(PROJECT, event());
    clock.advance(1_000);
    await settled();
    expect(batches[0]?.events[0]).toMatchObject({ data: { data_source: 'Agent' } });
  });

  it.each([
    [{ 'fs-user-id': 'u' }, { fs_user_id: 'u' }],
    [
      { FS_USER_ID: 'u', email: 'e' },
      { fs_user_id: 'u', email: 'e' },
    ],
    // The user is named already: another spelling stays another identifier.
    [
      { 'FS-USER-ID': 'other', fs_user_id: 'u' },
      { 'FS-USER-ID': 'other', fs_user_id: 'u' },
    ],
    [
      { fs_user_id: 'u', 'FS-USER-ID': 'other' },
      { fs_user_id: 'u', 'FS-USER-ID': 'other' },
    ],
    // An empty id identifies no user; what an empty identifier of another kind means, the platform knows.
    [{ fs_user_id: '', email: 'e' }, { email: 'e' }],
    [{ email: '' }, { email: '' }],
  ])('identify a user of %j as %j', async (identifiers, sent) => {
    const { events, clock, batches } = eventsAnswering(() => 200);
    events.add(PROJECT, { ...event(), identifiers: identifiers as Readonly<Record<string, string>> });
    clock.advance(1_000);
    await settled();
    expect(batches.flatMap((batch) => batch.events.map((one) => one.identifiers))).toEqual([sent]);
  });

  it('events for the Data Platform do not wait for company when there are ten, or when they shall not wait at all', async () => {
    const ten = eventsAnswering(() => 200);
    for (let i = 0; i < 10; i++) ten.events.add(PROJECT, event());
    await settled();
    expect(ten.batches.map((batch) => batch.events.length)).toEqual([10]);
    const eager = eventsAnswering(() => 200, 0);
    eager.events.add(PROJECT, event());
    await settled();
    expect(eager.batches).toHaveLength(1);
  });

  it('events for the Data Platform are sent ten at a time, in order, each account on its own', async () => {
    const { events, clock, batches, actions } = eventsAnswering(() => 200);
    events.add(OTHER, event('theirs'));
    for (let i = 0; i < 25; i++) events.add(PROJECT, event(String(i)));
    clock.advance(1_000);
    await settled();
    const ours = batches.filter(({ key }) => key === 'key').flatMap((batch) => batch.events);
    expect(ours.map(({ action }) => action)).toEqual(Array.from({ length: 25 }, (_, i) => String(i)));
    expect(Math.max(...actions().map((batch) => batch.length))).toBe(10);
    expect(batches.filter(({ key }) => key === 'other')).toHaveLength(1);
  });

  it('events for the Data Platform are tried again while the platform is away, and arrive once it is back', async () => {
    let status = 503;
    const { events, clock, batches, troubles } = eventsAnswering(() => status);
    events.add(PROJECT, event('kept'));
    for (let i = 0; i < 20; i++) {
      clock.advance(1_000);
      await settled();
    }
    expect(troubles.length).toBeGreaterThan(3);
    expect(troubles).not.toContain('event-lost');
    status = 200;
    const before = batches.length;
    for (let i = 0; i < 3; i++) {
      clock.advance(1_000);
      await settled();
    }
    expect(batches.length).toBe(before + 1);
    expect(batches.at(-1)?.events[0]?.action).toBe('kept');
    expect(clock.waitingCount).toBe(0);
  });

  it('events for the Data Platform that the platform refuses are lost and counted, and hold up nothing', async () => {
    const { events, actions, troubles } = eventsAnswering((attempt) => (attempt === 1 ? 400 : 200), 0);
    events.add(PROJECT, event('bad'));
    events.add(PROJECT, event('good'));
    await settled();
    expect(actions()).toEqual([['bad'], ['good']]);
    expect(troubles.filter((what) => what === 'event-lost')).toHaveLength(1);
  });

  it('events for the Data Platform are refused beyond what may wait', async () => {
    const { events, troubles } = eventsAnswering(() => new Promise(() => {}));
    const taken = Array.from({ length: EVENTS_MAX + 1 }, () => events.add(PROJECT, event()));
    expect(taken.filter(Boolean)).toHaveLength(EVENTS_MAX);
    expect(taken.at(-1)).toBe(false);
    expect(troubles).toEqual(['event-lost']);
  });

  it('events for the Data Platform are all sent when the agent stops', async () => {
    const { events, actions } = eventsAnswering(() => 200);
    events.add(PROJECT, event('last'));
    await events.stop(5_000);
    expect(actions()).toEqual([['last']]);
    expect(events.add(PROJECT, event('late'))).toBe(false);
  });

  it('events for the Data Platform do not keep the agent from stopping; what is left is counted', async () => {
    const { events, clock, troubles } = eventsAnswering(() => new Promise(() => {}));
    events.add(PROJECT, event());
    events.add(PROJECT, event());
    const stopped = events.stop(5_000);
    await settled();
    clock.advance(5_000);
    await stopped;
    expect(troubles.filter((what) => what === 'event-lost')).toHaveLength(2);
  });
});
