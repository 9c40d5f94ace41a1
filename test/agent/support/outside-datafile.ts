// A datafile whose decisions need other services: a flag for a segment, one by prediction, one that is bucketed.

import {
  ALL_TRAFFIC,
  audience,
  bytesOf,
  evenly,
  flag,
  predictedRule,
  rule,
  variation,
} from '../../support/project-builder.ts';
import { datafileBody } from './fakes.ts';

export const SEGMENT = 'vip';
export const PREDICTED_RULE_ID = '71';
export const BUCKETED_RULE_ID = '72';

/**
 * Flags: `segment_flag`, on for users in SEGMENT; `predicted_flag`, variation_a or variation_b by prediction from
 * attribute `country`; `bucketed_flag`, one or the other by user.
 */
export function outsideDatafile(revision: number, odpHost: string | null): Buffer {
  const { rollouts, featureFlags, ...body } = JSON.parse(datafileBody(revision).toString());
  const two = (first: string, second: string) => [
    variation(first, 'variation_a'),
    variation(second, 'variation_b'),
  ];
  const bucketed = two('83', '84');
  const vips = audience('61', {
    type: 'third_party_dimension',
    name: 'odp.audiences',
    match: 'qualified',
    value: SEGMENT,
  });
  return bytesOf({
    ...body,
    attributes: [{ id: '91', key: 'country' }],
    audiences: [{ ...vips, conditions: JSON.stringify(vips.conditions) }],
    typedAudiences: [vips],
    integrations: odpHost === null ? [] : [{ key: 'odp', host: odpHost, publicKey: 'odp-key', pixelUrl: '' }],
    experiments: [
      predictedRule(PREDICTED_RULE_ID, 'predicted_rule', two('81', '82'), {
        cmab: { attributeIds: ['91'], trafficAllocation: ALL_TRAFFIC },
      }),
      rule(BUCKETED_RULE_ID, 'bucketed_rule', bucketed, evenly(bucketed)),
    ],
    rollouts: [
      ...rollouts,
      {
        id: '12',
        experiments: [
          rule('73', 'for_vips', [variation('85', 'on')], { audienceIds: ['61'] }),
          rule('74', 'for_all', [variation('86', 'off', false)]),
        ],
      },
    ],
    featureFlags: [
      ...featureFlags,
      flag('2', 'segment_flag', [], '12'),
      flag('3', 'predicted_flag', [PREDICTED_RULE_ID]),
      flag('4', 'bucketed_flag', [BUCKETED_RULE_ID]),
    ],
  });
}
