// A datafile of our own, with every part that real ones have, for programs that run through a change before the first one comes:
// code that has never run takes many times as long. It belongs to no project and must never be stored or served. Pure.

import type { SdkKey } from '../ids.ts';
import { DATAFILE_FORMAT_VERSION } from './datafile.ts';

/** Enough that what is done for each flag is compiled as for a real project; 60 KB. */
const FLAGS = 40;
const TRAFFIC_ALL = 10_000;

export interface RehearsalNames {
  readonly sdkKey: SdkKey;
  readonly projectId: string;
  readonly revision: number;
}

export function rehearsalDatafile({ sdkKey, projectId, revision }: RehearsalNames): Uint8Array {
  const flags = Array.from({ length: FLAGS }, (_, i) => flagParts(i, revision));
  const audience = { id: 'audience', name: 'Adults who pay' };
  const datafile = {
    version: DATAFILE_FORMAT_VERSION,
    accountId: '1',
    projectId,
    sdkKey,
    environmentKey: 'production',
    revision: String(revision),
    anonymizeIP: true,
    botFiltering: false,
    sendFlagDecisions: true,
    experiments: flags.map(({ experiment }) => experiment),
    featureFlags: flags.map(({ flag }) => flag),
    rollouts: flags.map(({ rollout }) => rollout),
    groups: [],
    audiences: [{ ...audience, conditions: JSON.stringify(CONDITIONS) }],
    typedAudiences: [{ ...audience, conditions: CONDITIONS }],
    attributes: [
      { id: 'attribute-1', key: 'age' },
      { id: 'attribute-2', key: 'plan' },
    ],
    events: [{ id: 'event', key: 'purchase', experimentIds: ['experiment-0'] }],
    integrations: [],
    variables: [],
  };
  return new TextEncoder().encode(JSON.stringify(datafile));
}

const CONDITIONS = [
  'and',
  ['or', ['or', condition('ge', 'age', 18)]],
  ['or', ['or', condition('exact', 'plan', 'paid'), condition('substring', 'plan', 'pro')]],
];

function condition(match: string, name: string, value: string | number) {
  return { type: 'custom_attribute', match, name, value };
}

/** One flag, its experiment and its rollout; what is on changes with the revision. */
function flagParts(i: number, revision: number) {
  const isOn = (i + revision) % 2 === 0;
  const values = [
    { id: `text-${i}`, value: `A headline for flag ${i}, revision ${revision}` },
    { id: `count-${i}`, value: String(i) },
    { id: `share-${i}`, value: '0.25' },
    { id: `shown-${i}`, value: 'true' },
    { id: `layout-${i}`, value: '{"columns":2,"order":["a","b"]}' },
  ];
  const variation = (id: string, featureEnabled: boolean) => ({
    id: `${id}-${i}`,
    key: id,
    featureEnabled,
    variables: values,
  });
  const rule = (id: string, audienceIds: readonly string[], variations: readonly { id: string }[]) => ({
    id,
    key: id,
    status: 'Running',
    layerId: `layer-${i}`,
    audienceIds,
    audienceConditions: audienceIds.length === 0 ? [] : ['or', ...audienceIds],
    forcedVariations: {},
    variations,
    trafficAllocation: variations.map(({ id: entityId }, n) => ({
      entityId,
      endOfRange: Math.round((TRAFFIC_ALL * (n + 1)) / variations.length),
    })),
  });
  const tested = [variation('on', isOn), variation('off', !isOn)];
  return {
    experiment: rule(`experiment-${i}`, ['audience'], tested),
    rollout: {
      id: `rollout-${i}`,
      experiments: [
        rule(`targeted-${i}`, ['audience'], [variation('targeted', true)]),
        rule(`default-rollout-${i}`, [], [variation('everyone', isOn)]),
      ],
    },
    flag: {
      id: `flag-${i}`,
      key: `flag-${i}`,
      experimentIds: [`experiment-${i}`],
      rolloutId: `rollout-${i}`,
      variables: [
        { id: `text-${i}`, key: 'headline', type: 'string', defaultValue: '' },
        { id: `count-${i}`, key: 'count', type: 'integer', defaultValue: '0' },
        { id: `share-${i}`, key: 'share', type: 'double', defaultValue: '0' },
        { id: `shown-${i}`, key: 'shown', type: 'boolean', defaultValue: 'false' },
        { id: `layout-${i}`, key: 'layout', type: 'string', subType: 'json', defaultValue: '{}' },
      ],
    },
  };
}
