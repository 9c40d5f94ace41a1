// What listeners are told, by the real SDK on the datafile of the recording.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FlagClients } from '../../../agent/decisions/clients.ts';
import type { FlagClient } from '../../../agent/decisions/flag-client.ts';
import { RequestProfiles } from '../../../agent/decisions/profiles/request-profiles.ts';
import { inContext } from '../../../agent/decisions/request-context.ts';
import { kindsOf, type Notification, trackNotification } from '../../../agent/notifications/notification.ts';
import { sha256Of, toSdkKey } from '../../../core/ids.ts';

const SDK_KEY = toSdkKey('KZbunNn9bVfBWLpZPq2XC4');
const BODY = readFileSync(join(import.meta.dirname, '../../fixtures/agent-api/datafile.json'));

async function startClient(): Promise<{ client: FlagClient; notes: Notification[] }> {
  const clients = new FlagClients({
    profiles: new RequestProfiles(),
    dispatcher: { dispatchEvent: async () => ({ statusCode: 204 }) },
    onCloseFailed: () => {},
  });
  const { built: client } = await clients.build(BODY, sha256Of(BODY), { sdkKey: SDK_KEY });
  const notes: Notification[] = [];
  client.listen((note) => void notes.push(note));
  return { client, notes };
}

describe('a note', () => {
  it('a note of a decision is what the original sends, to the letter', async () => {
    const { client, notes } = await startClient();
    client.sdk.createUserContext('u1', {}).decide('flag_5');
    expect(notes).toEqual([
      {
        kind: 'decision',
        text: '{"Type":"flag","UserContext":{"ID":"u1","Attributes":{},"QualifiedSegments":null},"DecisionInfo":{"decisionEventDispatched":true,"enabled":true,"experimentId":"10000000085","flagKey":"flag_5","reasons":[],"ruleKey":"exp_5","variables":{"boolean_var":false,"integer_var":1,"double_var":0.5,"string_var":"hello"},"variationId":"10000000087","variationKey":"variation_0"}}',
      },
    ]);
  });

  it('a note of an event is what the original sends', async () => {
    const { client, notes } = await startClient();
    inContext({ trackNotification: (track) => trackNotification(track, { attributes: null }) }, () =>
      client.sdk.createUserContext('u1').trackEvent('myevent', { revenue: 5 }),
    );
    const [note] = notes;
    expect(note?.kind).toBe('track');
    const { ConversionEvent, ...rest } = JSON.parse(note?.text ?? '');
    expect(rest).toEqual({
      EventKey: 'myevent',
      UserContext: { ID: 'u1', Attributes: null, QualifiedSegments: null },
      EventTags: { revenue: 5 },
    });
    const { Attributes, ...event } = ConversionEvent;
    expect(event).toEqual({ entity_id: '10000000146', key: 'myevent', tags: { revenue: 5 }, revenue: 5 });
    expect(Attributes).toEqual([
      { value: false, key: '$opt_bot_filtering', type: 'custom', entity_id: '$opt_bot_filtering' },
    ]);
  });

  it('a note of an event names what is known of the user, and of no tags that there are none', async () => {
    const { client, notes } = await startClient();
    client.sdk.createUserContext('u1', { attr_0: 'x' }).trackEvent('myevent');
    const note = JSON.parse(notes[0]?.text ?? '');
    expect(note.UserContext.Attributes).toEqual({ attr_0: 'x' });
    expect(note.EventTags).toBeNull();
    expect(note.ConversionEvent.Attributes[0]).toEqual({
      ...{ value: 'x', key: 'attr_0', type: 'custom', entity_id: '10000000000' },
    });
    expect(note.ConversionEvent).not.toHaveProperty('tags');
  });

  it('a note of a feature is nested once more, as the original has it, and knows no null', async () => {
    const { client, notes } = await startClient();
    client.sdk.isFeatureEnabled('flag_5', 'u1');
    expect(JSON.parse(notes[0]?.text ?? '')).toMatchObject({
      Type: 'feature',
      DecisionInfo: { feature: { featureKey: 'flag_5', featureEnabled: true, source: 'feature-test' } },
    });
    client.sdk.createUserContext('u1', {}).decide('no_such_flag');
    client.sdk.createUserContext('aaaaaaaaaa', {}).decide('flag_4');
    for (const { text } of notes) expect(text.replace('"QualifiedSegments":null', '')).not.toContain('null');
  });
});

describe('a filter', () => {
  it.each([
    [[], ['decision', 'track', 'project_config_update']],
    [['decision'], ['decision']],
    [['decision,track'], ['decision', 'track']],
    [
      ['track', 'project_config_update'],
      ['track', 'project_config_update'],
    ],
    [['nonsense'], []],
  ])('%j lets %j through', (filters, kinds) => {
    expect([...kindsOf(filters)]).toEqual(kinds);
  });
});
