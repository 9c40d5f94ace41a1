// What the template says nothing with is taken out of it, and nothing else.

import { expect, it } from 'vitest';
import {
  type RawTemplate,
  withoutConstantConditions,
  withoutRepeatedDependencies,
} from '../../../infra/serverless/lean-template.ts';

const NO_VALUE = { Ref: 'AWS::NoValue' };
const OF_PARAMETER = { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'Topic' }, ''] }] };
const TEMPLATE: RawTemplate = {
  Conditions: {
    HasVpc: { 'Fn::And': [{ 'Fn::Not': [{ 'Fn::Equals': ['', ''] }] }, { 'Fn::Equals': ['a', 'a'] }] },
    InSsm: { 'Fn::Equals': [{ 'Fn::Select': [0, { 'Fn::Split': [':', 'ssm:/path'] }] }, 'ssm'] },
    HasTopic: OF_PARAMETER,
  },
  Resources: {
    Gone: { Type: 'A', Condition: 'HasVpc' },
    Stays: {
      Type: 'B',
      Condition: 'InSsm',
      DependsOn: ['Other', 'Log', 'Role'],
      Properties: {
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Log: { Ref: 'Log' },
        Vpc: { 'Fn::If': ['HasVpc', { Subnets: [] }, NO_VALUE] },
        Store: { 'Fn::If': ['InSsm', { Ref: 'Parameter' }, 'secret'] },
        Groups: ['one', { 'Fn::If': ['HasVpc', 'two', NO_VALUE] }],
        Alarm: { 'Fn::If': ['HasTopic', [{ Ref: 'Topic' }], NO_VALUE] },
      },
    },
    Open: { Type: 'C', Condition: 'HasTopic' },
  },
  Outputs: { Url: { Value: 'x', Condition: 'HasVpc' }, Name: { Value: { 'Fn::If': ['HasVpc', 'a', 'b'] } } },
};

it('decides conditions over constants, and leaves those over parameters', () => {
  const { Conditions, Resources, Outputs } = withoutConstantConditions(TEMPLATE);
  expect(Conditions).toEqual({ HasTopic: OF_PARAMETER });
  expect(Object.keys(Resources ?? {})).toEqual(['Stays', 'Open']);
  expect(Resources?.Open).toEqual({ Type: 'C', Condition: 'HasTopic' });
  expect(Resources?.Stays).not.toHaveProperty('Condition');
  expect(Resources?.Stays?.Properties).toEqual({
    Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
    Log: { Ref: 'Log' },
    Store: { Ref: 'Parameter' },
    Groups: ['one'],
    Alarm: { 'Fn::If': ['HasTopic', [{ Ref: 'Topic' }], NO_VALUE] },
  });
  expect(Outputs).toEqual({ Name: { Value: 'b' } });
});

it('leaves only dependencies that nothing else makes', () => {
  expect(withoutRepeatedDependencies(TEMPLATE).Resources?.Stays?.DependsOn).toEqual(['Other']);
});
