// Bodies that are well-formed JSON and little else: of any shape, or right but for a part.

import fc from 'fast-check';

/** Names that mean something to a route, to the SDK or to JavaScript. */
const name = fc.constantFrom(
  ...['userId', 'userAttributes', 'decideOptions', 'forcedDecisions', 'flagKey', 'ruleKey', 'variationKey'],
  ...['experimentKey', 'experimentBucketMap', 'variation_id', 'eventTags', 'revenue', 'identifiers', 'data'],
  ...[
    'action',
    'context',
    'targetingKey',
    'operations',
    'method',
    'url',
    'params',
    'headers',
    'body',
    'operationID',
    'fetchSegments',
  ],
  ...['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString', '$opt_experiment_bucket_map'],
  ...['flag_5', 'exp_5', 'attr_0', '10000000085', '', 'undefined'],
);
const leaf = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -1,
    1e308,
    '',
    'flag_5',
    'exp_5',
    '__proto__',
    'undefined',
    '/v1/decide',
  ),
  fc.constantFrom(
    'POST',
    'GET',
    '/v1/batch',
    'http://',
    'variation_1',
    '10000000088',
    'INCLUDE_REASONS',
    'somebody',
  ),
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.double(),
);
const bucket = fc.oneof(leaf, fc.record({ variation_id: leaf }));
const buckets = fc.record({ '10000000085': bucket, exp_5: bucket });
const anyJson = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 5 }, leaf, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.array(fc.tuple(name, tie('value')), { maxLength: 6 }).map(objectText),
})).object as fc.Arbitrary<object>;
/** Right but for a part, so that it comes further than to the first check. */
const nearly = fc
  .record({
    userId: fc.constantFrom('somebody', 'undefined', '__proto__', 'hasOwnProperty', 'vip_user'),
    userAttributes: fc.oneof(anyJson, fc.record({ $opt_experiment_bucket_map: fc.oneof(leaf, buckets) })),
    rest: anyJson,
  })
  .map(({ rest, ...user }) => {
    const context = { ...user.userAttributes, targetingKey: user.userId };
    return { ...rest, ...user, context };
  });
export const oddBody = fc.oneof(anyJson, nearly);

/** An object literal would take `__proto__` for its prototype instead of for a name. */
function objectText(entries: readonly (readonly [string, unknown])[]): object {
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entries) object[key] = value;
  return object;
}
