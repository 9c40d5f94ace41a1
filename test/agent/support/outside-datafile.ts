// A datafile whose decisions lean on services outside: a flag for a segment, one by prediction, one that is bucketed.

import { datafileBody } from './fakes.ts';

export const SEGMENT = 'vip';
export const PREDICTED_RULE_ID = '71';
export const BUCKETED_RULE_ID = '72';

const variation = (id: string, key: string, featureEnabled: boolean) => ({
  ...{ id, key, featureEnabled, variables: [] },
});

const rule = (
  id: string,
  key: string,
  variations: readonly { readonly id: string }[],
  more: object = {},
) => ({
  ...{ id, key, variations, status: 'Running', layerId: `1${id}`, audienceIds: [], forcedVariations: {} },
  trafficAllocation: variations.map(({ id: entityId }, i) => ({
    entityId,
    endOfRange: ((i + 1) * 10_000) / variations.length,
  })),
  ...more,
});

/**
 * Flags: `segment_flag`, on for users in SEGMENT; `predicted_flag`, variation_a or variation_b by prediction from
 * attribute `country`; `bucketed_flag`, one or the other by user.
 */
export function outsideDatafile(revision: number, odpHost: string | null): Buffer {
  const body = JSON.parse(datafileBody(revision).toString());
  const two = (first: string, second: string) => [
    variation(first, 'variation_a', true),
    variation(second, 'variation_b', true),
  ];
  const predicted = rule(PREDICTED_RULE_ID, 'predicted_rule', two('81', '82'), {
    trafficAllocation: [],
    cmab: { attributeIds: ['91'], trafficAllocation: 10_000 },
  });
  const condition = {
    type: 'third_party_dimension',
    name: 'odp.audiences',
    match: 'qualified',
    value: SEGMENT,
  };
  const flag = (id: string, key: string, experimentIds: string[], rolloutId = '') => ({
    ...{ id, key, experimentIds, rolloutId, variables: [] },
  });
  return Buffer.from(
    JSON.stringify({
      ...body,
      attributes: [{ id: '91', key: 'country' }],
      audiences: [{ id: '61', name: 'vips', conditions: JSON.stringify(['or', condition]) }],
      typedAudiences: [{ id: '61', name: 'vips', conditions: ['or', condition] }],
      integrations:
        odpHost === null ? [] : [{ key: 'odp', host: odpHost, publicKey: 'odp-key', pixelUrl: '' }],
      experiments: [predicted, rule(BUCKETED_RULE_ID, 'bucketed_rule', two('83', '84'))],
      rollouts: [
        ...body.rollouts,
        {
          id: '12',
          experiments: [
            rule('73', 'for_vips', [variation('85', 'on', true)], { audienceIds: ['61'] }),
            rule('74', 'for_all', [variation('86', 'off', false)]),
          ],
        },
      ],
      featureFlags: [
        ...body.featureFlags,
        flag('2', 'segment_flag', [], '12'),
        flag('3', 'predicted_flag', [PREDICTED_RULE_ID]),
        flag('4', 'bucketed_flag', [BUCKETED_RULE_ID]),
      ],
    }),
  );
}
