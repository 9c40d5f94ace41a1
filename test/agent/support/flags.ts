// A datafile with a flag of every sort of value, for those who ask by value and not by variation.

import { KEY, PROJECT_ID } from './fakes.ts';

interface Variable {
  readonly key: string;
  readonly type: 'boolean' | 'integer' | 'double' | 'string' | 'json';
  readonly value: string;
}

/** By flag key; each value is what everybody gets. */
const FLAGS: Readonly<Record<string, readonly Variable[]>> = {
  plain: [],
  text: [{ key: 'greeting', type: 'string', value: 'hello' }],
  count: [{ key: 'limit', type: 'integer', value: '42' }],
  share: [{ key: 'ratio', type: 'double', value: '0.25' }],
  truth: [{ key: 'dark', type: 'boolean', value: 'true' }],
  shape: [{ key: 'layout', type: 'json', value: '{"columns":3,"rows":["a","b"]}' }],
  several: [
    { key: 'greeting', type: 'string', value: 'hi' },
    { key: 'limit', type: 'integer', value: '7' },
    { key: 'layout', type: 'json', value: '[1,2]' },
  ],
  none: [{ key: 'nothing', type: 'json', value: 'null' }],
};

/**
 * Every user gets everything; `paid` goes to users whose `plan` is `pro`, `test` is an experiment, `rest` is on by the rule for
 * everyone else, `dark` is off with a variable that is true.
 */
export function flagsBody(revision: number, greeting = 'hello', sdkKey: string = KEY): Buffer {
  let id = 100;
  const nextId = () => String(++id);
  const rule = (key: string, extra: object = {}, variables: object[] = []) => {
    const featureEnabled = key !== 'dark_rule';
    const variation = { id: nextId(), key: `${key}_on`, featureEnabled, variables };
    return {
      ...{ id: nextId(), key, status: 'Running', layerId: nextId(), audienceIds: [], forcedVariations: {} },
      variations: [variation],
      trafficAllocation: [{ entityId: variation.id, endOfRange: 10_000 }],
      ...extra,
    };
  };
  const rollouts: object[] = [];
  const rollout = (key: string, extra: object, variables: object[]): string => {
    const rolloutId = nextId();
    rollouts.push({ id: rolloutId, experiments: [rule(key, extra, variables)] });
    return rolloutId;
  };
  const experiment = rule('test_rule');
  const flag = (key: string, variables: readonly Variable[], extra: object = {}) => {
    const declared = variables.map(({ key: name, type, value }) => ({
      ...{ id: nextId(), key: name, defaultValue: value },
      ...(type === 'json' ? { type: 'string', subType: 'json' } : { type }),
    }));
    const values = declared.map((one) => ({
      id: one.id,
      value: key === 'text' ? greeting : one.defaultValue,
    }));
    const rolloutId = rollout(`${key}_rule`, extra, values);
    return { id: nextId(), key, rolloutId, experimentIds: [], variables: declared };
  };
  const featureFlags = [
    ...Object.entries(FLAGS).map(([key, variables]) => flag(key, variables)),
    flag('paid', [], { audienceIds: ['9'] }),
    // The rule for everyone else is known by its id, which is its key.
    flag('rest', [], { id: 'default-rest', key: 'default-rest' }),
    flag('dark', [{ key: 'shown', type: 'boolean', value: 'true' }]),
    { id: nextId(), key: 'test', rolloutId: '', experimentIds: [experiment.id], variables: [] },
  ];
  const condition = { type: 'custom_attribute', match: 'exact', name: 'plan', value: 'pro' };
  return Buffer.from(
    JSON.stringify({
      ...{ version: '4', accountId: '1', projectId: PROJECT_ID, sdkKey, environmentKey: 'production' },
      ...{ revision: String(revision), sendFlagDecisions: true, anonymizeIP: true, botFiltering: false },
      ...{ events: [], groups: [], audiences: [], attributes: [{ id: '8', key: 'plan' }] },
      typedAudiences: [{ id: '9', name: 'pro', conditions: ['or', condition] }],
      ...{ experiments: [experiment], rollouts, featureFlags },
    }),
  );
}
