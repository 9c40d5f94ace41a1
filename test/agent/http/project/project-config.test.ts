import { describe, expect, it } from 'vitest';
import { audiencesText, conditionsText } from '../../../../agent/http/project/audience-text.ts';
import { projectConfig } from '../../../../agent/http/project/project-config.ts';
import type { Audience, DatafileJson } from '../../../../core/datafile/shape.ts';

const vip = { id: '1', name: 'vip', conditions: '["or", {"name":  "a"}]' };
const audiences = new Map<string, Audience>([
  ['1', vip],
  ['2', { id: '2', name: 'say "hi"', conditions: [] }],
]);

describe("a rule's audiences", () => {
  it.each([
    ['nothing', undefined, ''],
    ['an empty list', [], ''],
    ['one', ['or', '1'], '"vip"'],
    ['two', ['and', '1', '2'], '"vip" AND "say \\"hi\\""'],
    ['none but an operator between', ['1', '2'], '"vip" OR "say \\"hi\\""'],
    ['not one', ['not', '1'], 'NOT "vip"'],
    ['lists in lists', ['and', ['or', '1', '2'], ['not', '1']], '("vip" OR "say \\"hi\\"") AND (NOT "vip")'],
    ['one that there is not', ['or', '1', '9'], '"vip" OR "9"'],
  ])("a rule's audiences of %s are told", (_, conditions, text) => {
    expect(audiencesText(conditions, audiences)).toBe(text);
  });
});

describe('conditions', () => {
  it('conditions that are a text stay as they are, to the last space', () => {
    expect(conditionsText(vip.conditions)).toBe(vip.conditions);
  });

  it('conditions that are no text are written as Go does: names in order, some letters escaped', () => {
    const conditions = ['or', { value: 'a<b&c', name: 'x', match: 'exact' }];
    expect(conditionsText(conditions)).toBe(
      '["or",{"match":"exact","name":"x","value":"a\\u003cb\\u0026c"}]',
    );
  });
});

const variable = (id: string, key: string, more: object = {}) => ({
  ...{ id, key, type: 'string', defaultValue: 'default' },
  ...more,
});
const DATAFILE: DatafileJson = {
  revision: '7',
  sdkKey: 'abc',
  audiences: [vip, { id: '$opt_dummy_audience', name: 'dummy', conditions: '[]' }],
  typedAudiences: [{ id: '1', name: 'vip', conditions: ['or'] }],
  attributes: [{ id: '5', key: 'country' }],
  events: [{ id: '6', key: 'bought' }],
  experiments: [
    {
      id: '10',
      key: 'exp',
      audienceConditions: ['or', '1'],
      trafficAllocation: [],
      variations: [
        { id: '11', key: 'bare' },
        { id: '12', key: 'off', featureEnabled: false, variables: [{ id: '20', value: 'set' }] },
        { id: '13', key: 'on', featureEnabled: true, variables: [{ id: '20', value: 'set' }] },
      ],
    },
  ],
  groups: [
    {
      id: 'g',
      trafficAllocation: [],
      experiments: [
        { id: '14', key: 'grouped', trafficAllocation: [], variations: [{ id: '15', key: 'v' }] },
      ],
    },
  ],
  rollouts: [
    { id: 'r', experiments: [{ id: '16', key: 'everyone', trafficAllocation: [], variations: [] }] },
  ],
  featureFlags: [
    {
      ...{ id: '30', key: 'flag', rolloutId: 'r', experimentIds: ['10', 'gone'] },
      variables: [variable('20', 'text'), variable('21', 'tree', { subType: 'json' })],
    },
    { id: '31', key: '__proto__', rolloutId: '', experimentIds: ['14'], variables: [] },
  ],
};

describe('a project', () => {
  const config = projectConfig(DATAFILE);
  const { variationsMap } = config.experimentsMap.exp as NonNullable<(typeof config.experimentsMap)['exp']>;

  it('says of every variation whether it is on, also where the datafile does not', () => {
    expect(Object.values(variationsMap).map(({ key, featureEnabled }) => [key, featureEnabled])).toEqual([
      ['bare', false],
      ['off', false],
      ['on', true],
    ]);
  });

  it('gives a variation its own values where it is on, else those of the flag', () => {
    const values = Object.values(variationsMap).map((it) => it.variablesMap.text?.value);
    expect(values).toEqual(['default', 'default', 'set']);
  });

  it('calls a text that holds JSON by that type', () => {
    expect(config.featuresMap.flag?.variablesMap.tree?.type).toBe('json');
  });

  it('passes over experiments that are not there', () => {
    expect(config.featuresMap.flag?.experimentRules.map(({ key }) => key)).toEqual(['exp']);
    expect(config.featuresMap.flag?.deliveryRules.map(({ key }) => key)).toEqual(['everyone']);
  });

  it('a project has the experiments of groups, and flags of any name', () => {
    expect(Object.keys(config.experimentsMap)).toEqual(['exp', 'grouped']);
    expect(Object.keys(config.featuresMap)).toEqual(['flag', '__proto__']);
  });

  it('a project has each audience once, the typed one, and none for old SDKs', () => {
    expect(config.audiences).toEqual([{ id: '1', name: 'vip', conditions: '["or"]' }]);
  });

  it('a project has every field, also those that the datafile left out', () => {
    expect(config).toMatchObject({ environmentKey: '', sdkKey: 'abc', revision: '7' });
    expect(config.events).toEqual([{ id: '6', key: 'bought', experimentIds: null }]);
    expect(projectConfig({ revision: '1' })).toMatchObject({ featuresMap: {}, audiences: [], events: [] });
  });
});
