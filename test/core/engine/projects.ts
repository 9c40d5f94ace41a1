// Any project, and any user of it: few names, so that rules, audiences and users meet; every kind of condition, and values
// that do not fit them. Arbitraries for property tests.

import fc from 'fast-check';

export const ATTRIBUTES = ['a', 'b', '$opt_c'];
export const SDK_KEY = 'DeciderProject12345678';

const versions = [
  '1',
  '1.2',
  '1.2.3',
  '1.2.3-beta',
  '1.2.3-beta.2',
  '2.0+7',
  '1.10',
  '1..2',
  'a.b',
  '1.2.3.4',
  '-1',
  '3-',
];
const texts = fc.constantFrom('x', 'xyz', '', 'ž', 'true', '7', ...versions);
const scalar = fc.oneof(
  texts,
  fc.boolean(),
  fc.integer({ min: -3, max: 9 }),
  fc.constantFrom(1.5, 2 ** 53, 2 ** 60, -0),
);
const odd = fc.constantFrom<unknown>(null, { deep: 1 }, [1]);

const MATCHES = ['exact', 'exists', 'substring', 'gt', 'ge', 'lt', 'le', 'qualified', 'regex'];
const SEMVER = ['semver_eq', 'semver_gt', 'semver_ge', 'semver_lt', 'semver_le'];

const condition = fc.record(
  {
    type: fc.constantFrom('custom_attribute', 'custom_attribute', 'third_party_dimension', 'other'),
    match: fc.constantFrom(...MATCHES, ...SEMVER),
    name: fc.constantFrom(...ATTRIBUTES, 'unknown'),
    value: fc.oneof({ weight: 9, arbitrary: scalar }, { weight: 1, arbitrary: odd }),
  },
  { requiredKeys: ['type', 'name'] },
);

/** @param leaf what is not a list */
const tree = (leaf: fc.Arbitrary<unknown>) =>
  fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc
        .tuple(fc.constantFrom('and', 'or', 'not', null), fc.array(tie('tree'), { maxLength: 3 }))
        .map(([operator, inner]) => (operator === null ? inner : [operator, ...inner])),
    ),
  })).tree;

const AUDIENCES = ['901', '902', '903'];
const audiences = fc.tuple(tree(condition), tree(condition), tree(condition));

const USERS = ['u1', 'u2', 'ž'];
const EVERYBODY = 10_000;

const rule = (id: string, variations: readonly string[]) =>
  fc.record(
    {
      id: fc.constant(id),
      key: fc.constantFrom(`rule_${id}`, `rule_${id}`, 'shared_key'),
      layerId: fc.constant(`layer_${id}`),
      status: fc.constantFrom('Running', 'Running', 'Running', 'Paused'),
      variations: fc.tuple(...variations.map((key, i) => variation(`${id}${i}`, key))),
      trafficAllocation: fc
        .array(fc.tuple(fc.constantFrom(`${id}0`, `${id}1`, '', 'gone'), fc.nat(EVERYBODY)), { maxLength: 3 })
        .map((parts) => {
          const ends = parts.map(([, end]) => end).sort((one, other) => one - other);
          return parts.map(([entityId], i) => ({ entityId, endOfRange: ends[i] as number }));
        }),
      forcedVariations: fc.dictionary(fc.constantFrom(...USERS), fc.constantFrom('on', 'off', 'gone'), {
        maxKeys: 1,
      }),
      audienceIds: fc.subarray([...AUDIENCES, '999'], { maxLength: 2 }),
      audienceConditions: tree(fc.constantFrom(...AUDIENCES, '999')),
    },
    {
      requiredKeys: [
        'id',
        'key',
        'layerId',
        'status',
        'variations',
        'trafficAllocation',
        'forcedVariations',
        'audienceIds',
      ],
    },
  );

const variation = (id: string, key: string) =>
  fc.record({
    id: fc.constant(id),
    key: fc.constant(key),
    featureEnabled: fc.boolean(),
    variables: fc.constantFrom([], [{ id: 'v1', value: 'other' }], [{ id: 'v2', value: '4' }]),
  });

const rules = (ids: readonly string[]) => fc.tuple(...ids.map((id) => rule(id, ['on', 'off'])));

const VARIABLES = [
  { id: 'v1', key: 'colour', type: 'string', defaultValue: 'red' },
  { id: 'v2', key: 'size', type: 'integer', defaultValue: '1' },
];

/** As JSON: whoever builds on a datafile changes it. */
export const project: fc.Arbitrary<string> = fc
  .record({
    alone: rules(['11', '12']),
    grouped: rules(['21', '22']),
    deliveries: rules(['31', '32', '33']),
    audiences,
    policy: fc.constantFrom('random', 'overlapping'),
    groupEnds: fc.tuple(fc.nat(EVERYBODY), fc.nat(EVERYBODY)),
    flags: fc.array(
      fc.record({
        experimentIds: fc.subarray(['11', '12', '21', '22']),
        rolloutId: fc.constantFrom('r1', 'r1', 'r2', '', 'gone'),
        variables: fc.constantFrom([], VARIABLES),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    settings: fc.record(
      { sendFlagDecisions: fc.boolean(), botFiltering: fc.boolean(), anonymizeIP: fc.boolean() },
      { requiredKeys: [] },
    ),
  })
  .map(
    ({ alone, grouped, deliveries, audiences: [first, second, third], policy, groupEnds, flags, settings }) =>
      JSON.stringify({
        ...{ version: '4', revision: '7', projectId: '77', accountId: '66', sdkKey: SDK_KEY, ...settings },
        attributes: [
          { id: '501', key: 'a' },
          { id: '502', key: 'b' },
        ],
        audiences: [
          { id: '901', name: 'text', conditions: JSON.stringify(first) },
          { id: '902', name: 'both', conditions: '["or"]' },
        ],
        typedAudiences: [
          { id: '902', name: 'both', conditions: second },
          { id: '903', name: 'typed', conditions: third },
        ],
        events: [],
        experiments: alone,
        groups: [
          {
            ...{ id: '81', policy, experiments: grouped },
            trafficAllocation: [
              { entityId: '21', endOfRange: Math.min(...groupEnds) },
              { entityId: '22', endOfRange: Math.max(...groupEnds) },
            ],
          },
        ],
        rollouts: [
          { id: 'r1', experiments: deliveries },
          { id: 'r2', experiments: [] },
        ],
        featureFlags: flags.map((flag, i) => ({ id: `40${i}`, key: `flag_${i}`, ...flag })),
      }),
  );

const attributes = fc.dictionary(
  fc.constantFrom(...ATTRIBUTES, 'unknown', '$opt_bucketing_id'),
  fc.oneof({ weight: 9, arbitrary: scalar }, { weight: 1, arbitrary: odd }),
);

export const user = fc.record({
  userId: fc.oneof(fc.constantFrom(...USERS), fc.string({ minLength: 1, unit: 'grapheme' })),
  userAttributes: attributes,
});
