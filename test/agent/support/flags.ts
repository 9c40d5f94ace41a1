// A datafile with a flag of every type of value, for clients that ask for values and not for variations.

import { audience, bytesOf, flag, KEY, projectOf, rule, variation } from '../../support/project-builder.ts';
import { PROJECT_ID } from './fakes.ts';

interface Variable {
  readonly key: string;
  readonly type: 'boolean' | 'integer' | 'double' | 'string' | 'json';
  readonly value: string;
}

/** By flag key; each value is what every user gets. */
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
 * all other users, `dark` is off with a variable that is true.
 */
export function flagsBody(revision: number, greeting = 'hello', sdkKey: string = KEY): Buffer {
  let id = 100;
  const nextId = () => String(++id);
  const oneRule = (key: string, extra: object = {}, variables: object[] = []) =>
    rule(nextId(), key, [variation(nextId(), `${key}_on`, key !== 'dark_rule', variables)], extra);
  const rollouts: object[] = [];
  const rollout = (key: string, extra: object, variables: object[]): string => {
    const rolloutId = nextId();
    rollouts.push({ id: rolloutId, experiments: [oneRule(key, extra, variables)] });
    return rolloutId;
  };
  const experiment = oneRule('test_rule');
  const delivered = (key: string, variables: readonly Variable[], extra: object = {}) => {
    const declared = variables.map(({ key: name, type, value }) => ({
      id: nextId(),
      key: name,
      defaultValue: value,
      ...(type === 'json' ? { type: 'string', subType: 'json' } : { type }),
    }));
    const values = declared.map((one) => ({
      id: one.id,
      value: key === 'text' ? greeting : one.defaultValue,
    }));
    const rolloutId = rollout(`${key}_rule`, extra, values);
    return flag(nextId(), key, [], rolloutId, declared);
  };
  const featureFlags = [
    ...Object.entries(FLAGS).map(([key, variables]) => delivered(key, variables)),
    delivered('paid', [], { audienceIds: ['9'] }),
    // The rule "everyone else" is known by its id, which is its key.
    delivered('rest', [], { id: 'default-rest', key: 'default-rest' }),
    delivered('dark', [{ key: 'shown', type: 'boolean', value: 'true' }]),
    flag(nextId(), 'test', [experiment.id]),
  ];
  return bytesOf(
    projectOf(
      {
        projectId: PROJECT_ID,
        sdkKey,
        attributes: [{ id: '8', key: 'plan' }],
        typedAudiences: [{ ...audience('9', { name: 'plan', value: 'pro' }), name: 'pro' }],
        experiments: [experiment],
        rollouts,
        featureFlags,
      },
      revision,
    ),
  );
}
