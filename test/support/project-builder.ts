// The one builder of small datafiles, made of parts: variations in rules, rules in flags and rollouts, all in a project. What is
// left out of a project is empty, so a test shows only what it is about.

import { toSdkKey } from '../../core/ids.ts';

export const KEY = toSdkKey('TestKey1234567890abcde');
export const PROJECT_ID = '11387641093';

/** Everything is drawn out of 10,000 in a datafile. */
export const ALL_TRAFFIC = 10_000;

export interface Variation {
  readonly id: string;
  readonly key: string;
  readonly featureEnabled: boolean;
  readonly variables: readonly object[];
}

export const variation = (
  id: string,
  key: string,
  featureEnabled = true,
  variables: readonly object[] = [],
): Variation => ({ id, key, featureEnabled, variables });

/** All of the traffic goes to the first variation. */
export const rule = (id: string, key: string, variations: readonly Variation[], more: object = {}) => ({
  id,
  key,
  variations,
  status: 'Running',
  layerId: `1${id}`,
  audienceIds: [],
  forcedVariations: {},
  trafficAllocation: [{ entityId: variations[0]?.id, endOfRange: ALL_TRAFFIC }],
  ...more,
});

/** The traffic allocation that gives every variation the same share. */
export const evenly = (variations: readonly Variation[]) => ({
  trafficAllocation: variations.map(({ id: entityId }, i) => ({
    entityId,
    endOfRange: ((i + 1) * ALL_TRAFFIC) / variations.length,
  })),
});

/** A rule whose variation is predicted, for all of the traffic. */
export const predictedRule = (id: string, key: string, variations: readonly Variation[], more: object = {}) =>
  rule(id, key, variations, {
    trafficAllocation: [],
    cmab: { attributeIds: [], trafficAllocation: ALL_TRAFFIC },
    ...more,
  });

export const holdout = (id: string, key: string, more: object = {}) => ({
  ...rule(id, key, [variation(`${id}1`, 'off', false)]),
  includedFlags: [],
  excludedFlags: [],
  ...more,
});

export const flag = (
  id: string,
  key: string,
  experimentIds: readonly string[] = [],
  rolloutId = '',
  variables: readonly object[] = [],
) => ({ id, key, experimentIds, rolloutId, variables });

/** @param condition what is asked of the user; an exact match unless it says otherwise */
export const audience = (id: string, condition: object) => ({
  id,
  name: `audience ${id}`,
  conditions: ['or', { type: 'custom_attribute', match: 'exact', ...condition }],
});

/** Parts of a datafile; those left out are empty. */
export type Parts = Readonly<Record<string, unknown>>;

export const projectOf = (parts: Parts, revision = 1) => ({
  version: '4',
  accountId: '1',
  projectId: PROJECT_ID,
  sdkKey: KEY,
  environmentKey: 'production',
  revision: String(revision),
  sendFlagDecisions: true,
  anonymizeIP: true,
  botFiltering: false,
  attributes: [],
  audiences: [],
  typedAudiences: [],
  events: [],
  experiments: [],
  groups: [],
  rollouts: [],
  featureFlags: [],
  integrations: [],
  ...parts,
});

export const bytesOf = (datafile: unknown): Buffer => Buffer.from(JSON.stringify(datafile));
