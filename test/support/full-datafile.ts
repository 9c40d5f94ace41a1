// A small datafile that has one of everything, and what becomes of it when one of its parts is taken away or made into something
// else. Where a decision is random, everybody gets the same: all traffic is one variation's.

import { KEY, PROJECT_ID } from './datafiles.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into it wherever they like.
export type Loose = any;

const variation = (id: string, key: string, featureEnabled: boolean) => ({
  ...{ id, key, featureEnabled },
  variables: [{ id: '91', value: `from ${key}` }],
});

const rule = (id: string, key: string, given: ReturnType<typeof variation>, more: object = {}) => ({
  ...{ id, key, status: 'Running', layerId: `layer-${id}`, audienceIds: [], audienceConditions: [] },
  ...{ forcedVariations: {}, variations: [given] },
  trafficAllocation: [{ entityId: given.id, endOfRange: 10_000 }],
  ...more,
});

const flag = (id: string, key: string, experimentIds: readonly string[], rolloutId: string) => ({
  ...{ id, key, experimentIds, rolloutId },
  variables: [{ id: '91', key: 'text', type: 'string', defaultValue: 'default' }],
});

const inSweden = (id: string) => ({ audienceIds: [id], audienceConditions: ['or', id] });
const country = (value: string) => [
  'and',
  ['or', ['or', { type: 'custom_attribute', match: 'exact', name: 'country', value }]],
];

/** Flags: `tested` and `grouped` by an experiment, `delivered` by a rollout, `targeted` in Sweden and else off. */
export const fullDatafile = (): Loose => ({
  ...{ version: '4', revision: '7', projectId: PROJECT_ID, sdkKey: KEY, environmentKey: 'production' },
  ...{ accountId: '222', anonymizeIP: true, botFiltering: false, sendFlagDecisions: true, variables: [] },
  attributes: [{ id: '41', key: 'country' }],
  audiences: [{ id: 'sweden', name: 'Sweden', conditions: JSON.stringify(country('SE')) }],
  typedAudiences: [{ id: 'japan', name: 'Japan', conditions: country('JP') }],
  experiments: [rule('101', 'test', variation('301', 'blue', true), { forcedVariations: { ann: 'blue' } })],
  groups: [
    {
      ...{ id: '201', policy: 'random', trafficAllocation: [{ entityId: '102', endOfRange: 10_000 }] },
      experiments: [rule('102', 'group_test', variation('302', 'red', true))],
    },
  ],
  featureFlags: [
    flag('1', 'tested', ['101'], ''),
    flag('2', 'grouped', ['102'], ''),
    flag('3', 'delivered', [], 'r1'),
    flag('4', 'targeted', [], 'r2'),
  ],
  rollouts: [
    { id: 'r1', experiments: [rule('103', 'default-r1', variation('303', 'on', true))] },
    {
      id: 'r2',
      experiments: [
        rule('104', 'swedes', variation('304', 'ja', true), inSweden('sweden')),
        rule('105', 'default-r2', variation('305', 'off', false)),
      ],
    },
  ],
  holdouts: [
    { ...rule('h1', 'kept_out', variation('306', 'out', false), inSweden('japan')), includedFlags: [] },
  ],
  localHoldouts: [
    {
      ...rule('h2', 'kept_out_here', variation('307', 'out', false), inSweden('japan')),
      includedRules: ['101'],
    },
  ],
  integrations: [{ key: 'odp', host: 'https://odp.example', publicKey: 'public' }],
  events: [{ id: '51', key: 'bought', experimentIds: ['101'] }],
});

export const bytesOf = (datafile: unknown): Uint8Array => Buffer.from(JSON.stringify(datafile));

type Path = readonly (string | number)[];

/** What a part is replaced with; undefined: it is taken away. */
const STAND_INS = [undefined, null, '', {}, 7, 'x', [null], [{}]] as const;

/** Every part, of every level, replaced by everything that JSON has, one at a time. */
export function* knockedOut(): Generator<{
  readonly path: Path;
  readonly standIn: unknown;
  readonly datafile: Loose;
}> {
  for (const path of pathsOf(fullDatafile(), []))
    for (const standIn of STAND_INS) {
      const datafile = fullDatafile();
      const last = path.at(-1) as string | number;
      const parent = path.slice(0, -1).reduce<Loose>((value, step) => value[step], datafile);
      if (standIn !== undefined) parent[last] = standIn;
      else if (Array.isArray(parent)) parent.splice(last as number, 1);
      else delete parent[last];
      yield { path, standIn, datafile };
    }
}

function* pathsOf(value: unknown, at: Path): Generator<Path> {
  if (at.length > 0) yield at;
  if (typeof value !== 'object' || value === null) return;
  const steps = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const step of steps) yield* pathsOf((value as Loose)[step], [...at, step]);
}
