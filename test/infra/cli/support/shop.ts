// A small datafile as a shop's would be, with a knob for each thing that a person may change in the app.

export interface Shop {
  readonly revision?: number;
  readonly euPercent?: number;
  readonly euAudiences?: readonly string[];
  readonly colour?: string;
  readonly isOn?: boolean;
  readonly status?: string;
  readonly more?: readonly string[];
  readonly adultAge?: number;
  readonly layerId?: string;
  readonly botFiltering?: boolean;
  readonly isSwapped?: boolean;
  /** A flag names an experiment that is not there. */
  readonly isStale?: boolean;
}

const NO_USER =
  '["or", {"match": "exact", "name": "$opt_dummy_attribute", "type": "custom_attribute", "value": "x"}]';

export function shopDatafile(shop: Shop = {}): Record<string, unknown> {
  const { revision = 1, euPercent = 50, euAudiences = ['a1'], colour = 'red', isOn = true } = shop;
  const on = {
    id: 'v-on',
    key: 'on',
    featureEnabled: isOn,
    variables: [{ id: 'var-colour', value: colour }],
  };
  const off = { id: 'v-off', key: 'off', featureEnabled: false, variables: [] };
  const rule = (key: string, audienceIds: readonly string[], percent: number, variations: object[]) => ({
    id: `e-${key}`,
    key,
    status: shop.status ?? 'Running',
    layerId: shop.layerId ?? '1',
    audienceIds,
    audienceConditions: ['or', ...audienceIds],
    forcedVariations: {},
    variations,
    trafficAllocation: [{ entityId: (variations[0] as { id: string }).id, endOfRange: percent * 100 }],
  });
  const targeted = [rule('eu', euAudiences, euPercent, [on]), rule('staff', ['a2'], 100, [on])];
  const experiment = {
    ...rule('price_test', [], 100, [on, off]),
    trafficAllocation: [
      { entityId: 'v-on', endOfRange: 5_000 },
      { entityId: 'v-off', endOfRange: 10_000 },
    ],
  };
  const flag = (key: string, rolloutId: string, experimentIds: readonly string[]) => ({
    id: `f-${key}`,
    key,
    rolloutId,
    experimentIds,
    variables: [{ id: 'var-colour', key: 'colour', type: 'string', defaultValue: 'grey' }],
  });
  return {
    version: '4',
    revision: String(revision),
    projectId: '42',
    sdkKey: 'ShopKey',
    environmentKey: 'production',
    botFiltering: shop.botFiltering ?? false,
    attributes: [{ id: 'at1', key: 'country' }],
    events: [{ id: 'ev1', key: 'purchase', experimentIds: [] }],
    audiences: ['a1', 'a2'].map((id) => ({ id, name: NAMES[id], conditions: NO_USER })),
    typedAudiences: [
      { id: 'a1', name: NAMES.a1, conditions: ['and', ['or', ['or', country]], adults(shop.adultAge ?? 18)] },
      { id: 'a2', name: NAMES.a2, conditions: ['or', { ...country, name: 'staff', match: 'exists' }] },
    ],
    groups: [],
    experiments: [experiment],
    rollouts: [
      {
        id: 'r1',
        experiments: [
          ...(shop.isSwapped === true ? targeted.reverse() : targeted),
          rule('default-r1', [], 100, [off]),
        ],
      },
    ],
    featureFlags: [
      flag('checkout', 'r1', ['e-price_test', ...(shop.isStale ? ['gone'] : [])]),
      ...(shop.more ?? []).map((key) => flag(key, '', [])),
    ],
  };
}

const NAMES: Readonly<Record<string, string>> = { a1: 'Adults in the EU', a2: 'Staff' };
const country = { match: 'exact', name: 'country', type: 'custom_attribute', value: 'DE' };
const adults = (age: number) => [
  'or',
  { match: 'ge', name: 'age', type: 'custom_attribute', value: age },
  { match: 'substring', name: 'plan', type: 'custom_attribute', value: 'pro' },
];
