// Every kind of condition with every kind of value: the engine must tell true, false and "cannot be told" as the SDK does.

import { describe, expect, it } from 'vitest';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import { User } from '../../../../core/engine/user.ts';
import { sha256Of, toSdkKey } from '../../../../core/ids.ts';
import { SDK_KEY } from '../../../lab/engine/projects.ts';

const VERSIONS = [
  '1',
  '1.2',
  '1.2.3',
  '1.2.3-beta',
  '1.2.3-beta.2',
  '1.2.3+7',
  '1.2-beta+7',
  '1.2+7-beta',
  '1.10',
  '2',
  '2.0.0',
];
const NO_VERSIONS = ['', ' 1', '1..2', 'a.b', '1.2.3.4', '-1', '3-', '+'];
const VALUES = [
  ...VERSIONS,
  ...NO_VERSIONS,
  'ž',
  1,
  2,
  1.5,
  0,
  -0,
  2 ** 53,
  2 ** 53 + 2,
  1e300,
  true,
  false,
  null,
  [1],
  { a: 1 },
];
const MATCHES = [
  'exact',
  'exists',
  'substring',
  'gt',
  'ge',
  'lt',
  'le',
  'semver_eq',
  'semver_gt',
  'semver_ge',
  'semver_lt',
  'semver_le',
  'qualified',
  'regex',
  '',
  null,
  undefined,
];
const TYPES = ['custom_attribute', 'third_party_dimension', 'other'];

const rule = (id: string, audienceConditions: unknown) => ({
  ...{
    id,
    key: id,
    layerId: 'l',
    status: 'Running',
    forcedVariations: {},
    audienceIds: [],
    audienceConditions,
  },
  variations: [{ id: `${id}v`, key: `of ${id}`, featureEnabled: true, variables: [] }],
  trafficAllocation: [{ entityId: `${id}v`, endOfRange: 10_000 }],
});

/** A flag per condition: its first rule says true, its second false, and neither that it cannot be told. */
function datafileOf(conditions: readonly object[]): Buffer {
  const audiences = conditions.map((condition, i) => ({
    id: `a${i}`,
    name: 'n',
    conditions: ['or', condition],
  }));
  const rollouts = conditions.map((_, i) => ({
    id: `r${i}`,
    experiments: [rule(`true${i}`, `a${i}`), rule(`false${i}`, ['not', `a${i}`]), rule(`unknown${i}`, [])],
  }));
  const featureFlags = conditions.map((_, i) => {
    return { id: `f${i}`, key: `f${i}`, rolloutId: `r${i}`, experimentIds: [], variables: [] };
  });
  return Buffer.from(
    JSON.stringify({
      ...{
        version: '4',
        revision: '7',
        projectId: '77',
        accountId: '66',
        sdkKey: SDK_KEY,
        rollouts,
        featureFlags,
      },
      ...{
        attributes: [],
        audiences: [],
        typedAudiences: audiences,
        events: [],
        experiments: [],
        groups: [],
      },
    }),
  );
}

describe.each(TYPES)('a condition of type %s', (type) => {
  it.each(MATCHES)('that matches %o is judged as by the SDK, for all values', async (match) => {
    const conditions = VALUES.map((value) => ({ type, match, name: 'a', value }));
    const clients = new FlagClients({
      dispatcher: { dispatchEvent: async () => ({}) },
      send: () => {},
      onCloseFailed: () => {},
    });
    const body = datafileOf(conditions);
    const { built } = await clients.build(body, sha256Of(body), { sdkKey: toSdkKey(SDK_KEY) });
    for (const attributes of [{}, ...VALUES.map((a) => ({ a }))]) {
      const user = new User('u', attributes);
      const bySdk = built.sdk.createUserContext('u', attributes as Record<string, string>).decideAll();
      for (const [key, { ruleKey }] of Object.entries(bySdk)) {
        const outcome = built.engine.decide(key, user)?.outcome;
        expect(outcome?.ruleKey, `${JSON.stringify(attributes)} ${key}`).toBe(ruleKey);
      }
    }
  });
});
