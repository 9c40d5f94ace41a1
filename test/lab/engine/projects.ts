// Any project with every feature of a datafile, and any user of it: few names, so that rules, audiences and users meet; every kind of
// condition, and values that do not fit them. Arbitraries for property tests.

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

export const USERS = ['u1', 'u2', 'ž'];
const END_MAX = 10_000;
export const EXPERIMENT_IDS = ['11', '12', '21', '22'];
const DELIVERY_IDS = ['31', '32', 'default-33'];
export const RULE_KEYS = [...EXPERIMENT_IDS, ...DELIVERY_IDS].map((id) => `rule_${id}`);
/** Of any rule, so that a rule may give the variation of another, and ids that are no numbers. */
export const VARIATION_IDS = ['110', '111', '120', '210', '211', '310', '311', '330', 'h10', 'h20', 'gone'];
export const VARIATION_KEYS = ['on', 'off', 'third', 'gone', ''];

const shares = (own: readonly string[]) =>
  fc
    .array(fc.tuple(fc.constantFrom(...own, ...own, '', ...VARIATION_IDS), fc.nat(END_MAX)), {
      maxLength: 3,
    })
    .map((parts) => {
      const ends = parts.map(([, end]) => end).sort((one, other) => one - other);
      return parts.map(([entityId], i) => ({ entityId, endOfRange: ends[i] as number }));
    });

/** Most are as Optimizely writes them: what is odd is left to the SDK, and would hide what comes after it. */
const seldom = <T, U>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<U>) =>
  fc.oneof({ weight: 19, arbitrary: usual }, { weight: 1, arbitrary: unusual });

const rarely = <T, U>(usual: fc.Arbitrary<T>, unusual: fc.Arbitrary<U>) =>
  fc.oneof({ weight: 99, arbitrary: usual }, { weight: 1, arbitrary: unusual });

const audienceConditions = tree(fc.constantFrom(...AUDIENCES, '999'));

const ruleFields = (id: string) => ({
  id: fc.constant(id),
  layerId: seldom(fc.constant(`layer_${id}`), fc.constant('')),
  status: fc.constantFrom('Running', 'Running', 'Running', 'Paused'),
  variations: fc.tuple(
    variation(`${id.replace(/\D/g, '')}0`, seldom(fc.constant('on'), fc.constantFrom('', 'third'))),
    variation(`${id.replace(/\D/g, '')}1`, seldom(fc.constant('off'), fc.constantFrom('on', 'third'))),
  ),
  trafficAllocation: shares([`${id.replace(/\D/g, '')}0`, `${id.replace(/\D/g, '')}1`]),
  audienceIds: fc.subarray([...AUDIENCES, '999'], { maxLength: 2 }),
  audienceConditions: fc.oneof(fc.constant([]), fc.constant(undefined), audienceConditions),
});

const rule = (id: string) =>
  fc.record(
    {
      ...ruleFields(id),
      key: seldom(
        fc.constant(id.startsWith('default-') ? id : `rule_${id}`),
        fc.constantFrom('shared_key', ''),
      ),
      forcedVariations: fc.dictionary(fc.constantFrom(...USERS), fc.constantFrom('on', 'off', 'gone', ''), {
        maxKeys: 1,
      }),
      type: seldom(fc.constantFrom(undefined, 'ab', 'td'), fc.constant('fr')),
      cmab: rarely(fc.constant(undefined), fc.constant({ attributeIds: ['501'], trafficAllocation: 5_000 })),
      novelty: rarely(fc.constant(undefined), fc.constant('a field of the future')),
    },
    { requiredKeys: ['id', 'key', 'layerId', 'status', 'variations', 'trafficAllocation', 'audienceIds'] },
  );

const variation = (id: string, key: fc.Arbitrary<string>) =>
  fc.record({
    id: fc.constant(id),
    key,
    featureEnabled: fc.boolean(),
    variables: fc.subarray([
      { id: 'v1', value: 'other' },
      { id: 'v2', value: '4' },
      { id: 'v3', value: 'true' },
      { id: 'v4', value: '0.25' },
      { id: 'v5', value: '{"deep":[1,"ž"]}' },
      { id: 'v5', value: '[]' },
    ]),
  });

const rules = (ids: readonly string[]) => fc.tuple(...ids.map((id) => rule(id)));

const holdout = (id: string) =>
  fc.record(
    {
      ...ruleFields(id),
      key: fc.constant(`holdout_${id}`),
      variations: fc.tuple(
        variation(`${id}0`, fc.constantFrom('off', 'held')),
        variation(`${id}1`, fc.constant('on')),
      ),
      trafficAllocation: shares([`${id}0`, `${id}1`]).map((some) =>
        some.map(({ entityId, endOfRange }) => ({ entityId, endOfRange: Math.floor(endOfRange / 3) })),
      ),
      includedFlags: fc.constantFrom([], ['400']),
      excludedFlags: fc.constantFrom([], ['401']),
      includedRules: fc.subarray([...EXPERIMENT_IDS, ...DELIVERY_IDS, 'gone'], { minLength: 1 }),
      excludeTargetedDeliveries: fc.constantFrom(undefined, false, true),
    },
    {
      requiredKeys: [
        'id',
        'key',
        'status',
        'variations',
        'trafficAllocation',
        'audienceIds',
        'includedRules',
      ],
    },
  );

const holdouts = (ids: readonly string[]) =>
  fc.oneof(fc.constant([]), fc.constant([]), fc.tuple(...ids.map((id) => holdout(id))));

const VARIABLES = [
  { id: 'v1', key: 'colour', type: 'string', defaultValue: 'red' },
  { id: 'v2', key: 'size', type: 'integer', defaultValue: '1' },
  { id: 'v3', key: 'bold', type: 'boolean', defaultValue: 'false' },
  { id: 'v4', key: '7', type: 'double', defaultValue: '1.5' },
  { id: 'v5', key: 'more', type: 'string', subType: 'json', defaultValue: '{}' },
  { id: 'v6', key: 'json', type: 'json', defaultValue: '{"a":null}' },
];
const INVALID = { id: 'v7', key: 'none', type: 'integer', defaultValue: 'ten' };

/** As JSON: the SDK changes the object that it builds on. */
export const project: fc.Arbitrary<string> = fc
  .record({
    alone: rules(['11', '12']),
    grouped: rules(['21', '22']),
    deliveries: rules(DELIVERY_IDS),
    audiences,
    policy: fc.constantFrom('random', 'overlapping'),
    groupEnds: fc.tuple(fc.nat(END_MAX), fc.nat(END_MAX)),
    holdouts: holdouts(['h1', '41']),
    localHoldouts: holdouts(['h2', '42']),
    flags: fc.array(
      fc.record({
        key: seldom(fc.constant(''), fc.constant('flag_0')),
        experimentIds: fc.subarray(EXPERIMENT_IDS),
        rolloutId: fc.constantFrom('r1', 'r1', 'r2', '', 'gone'),
        variables: fc.oneof(fc.subarray(VARIABLES), seldom(fc.constant([]), fc.constant([INVALID]))),
      }),
      { minLength: 1, maxLength: 4 },
    ),
    settings: fc.record(
      {
        sendFlagDecisions: fc.boolean(),
        botFiltering: fc.boolean(),
        anonymizeIP: fc.boolean(),
        region: fc.constantFrom('US', 'EU', '', 'XX'),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ alone, grouped, deliveries, audiences: [first, second, third], groupEnds, flags, ...other }) =>
    JSON.stringify({
      ...{ version: '4', revision: '7', projectId: '77', accountId: '66', sdkKey: SDK_KEY },
      ...other.settings,
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
          ...{ id: '81', policy: other.policy, experiments: grouped },
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
      holdouts: other.holdouts,
      localHoldouts: other.localHoldouts,
      featureFlags: flags.map(({ key, ...flag }, i) => ({
        ...{ id: `40${i}`, key: key || `flag_${i}` },
        ...flag,
      })),
    }),
  );

const attributes = fc.dictionary(
  fc.constantFrom(...ATTRIBUTES, 'unknown', '$opt_bucketing_id'),
  fc.oneof({ weight: 9, arbitrary: scalar }, { weight: 1, arbitrary: odd }),
);

/** A user, and all that a request may bring along for it. */
export interface AnyUser {
  readonly userId: string;
  readonly userAttributes: Readonly<Record<string, unknown>>;
  readonly segments: readonly string[] | null;
  readonly forced: readonly {
    readonly flagKey: string;
    readonly ruleKey: string;
    readonly variationKey: string;
  }[];
  readonly overrides: Readonly<Record<string, string>>;
  /** Null where users have no profiles. */
  readonly profile: Readonly<Record<string, string>> | null;
}

const forced = fc.record({
  flagKey: fc.constantFrom('flag_0', 'flag_0', 'flag_1', 'gone'),
  ruleKey: fc.constantFrom('', ...RULE_KEYS, 'default-33', 'shared_key'),
  variationKey: fc.constantFrom(...VARIATION_KEYS),
});

export const user: fc.Arbitrary<AnyUser> = fc.record({
  userId: fc.oneof(fc.constantFrom(...USERS), fc.string({ minLength: 1, unit: 'grapheme' })),
  userAttributes: attributes,
  segments: fc.option(fc.subarray(['x', 'xyz', '']), { freq: 2 }),
  forced: fc.oneof(fc.constant([]), fc.constant([]), fc.array(forced, { maxLength: 2 })),
  overrides: fc.oneof(
    fc.constant({}),
    fc.constant({}),
    fc.dictionary(fc.constantFrom(...RULE_KEYS), fc.constantFrom(...VARIATION_KEYS), { maxKeys: 2 }),
  ),
  profile: fc.option(
    fc.dictionary(fc.constantFrom(...EXPERIMENT_IDS, 'gone'), fc.constantFrom(...VARIATION_IDS), {
      maxKeys: 2,
    }),
    { freq: 2 },
  ),
});
