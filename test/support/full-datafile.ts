// A small datafile that has one of everything, and what becomes of it when one of its parts is taken away or made into something
// else. Where a decision is random, every user gets the same: all traffic is one variation's.

import { ALL_TRAFFIC, flag, projectOf, rule, type Variation, variation } from './project-builder.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into it wherever they like.
export type Loose = any;

const valued = (id: string, key: string, isEnabled: boolean) =>
  variation(id, key, isEnabled, [{ id: '91', value: `from ${key}` }]);

const oneRule = (id: string, key: string, given: Variation, more: object = {}) =>
  rule(id, key, [given], { audienceConditions: [], ...more });

const TEXT = { id: '91', key: 'text', type: 'string', defaultValue: 'default' };

const oneFlag = (id: string, key: string, experimentIds: readonly string[], rolloutId: string) =>
  flag(id, key, experimentIds, rolloutId, [{ ...TEXT }]);

const inSweden = (id: string) => ({ audienceIds: [id], audienceConditions: ['or', id] });
const country = (value: string) => [
  'and',
  ['or', ['or', { type: 'custom_attribute', match: 'exact', name: 'country', value }]],
];

/** Flags: `tested` and `grouped` by an experiment, `delivered` by a rollout, `targeted` in Sweden and else off. */
export const fullDatafile = (): Loose =>
  projectOf(
    {
      accountId: '222',
      variables: [],
      attributes: [{ id: '41', key: 'country' }],
      audiences: [{ id: 'sweden', name: 'Sweden', conditions: JSON.stringify(country('SE')) }],
      typedAudiences: [{ id: 'japan', name: 'Japan', conditions: country('JP') }],
      experiments: [
        oneRule('101', 'test', valued('301', 'blue', true), { forcedVariations: { ann: 'blue' } }),
      ],
      groups: [
        {
          id: '201',
          policy: 'random',
          trafficAllocation: [{ entityId: '102', endOfRange: ALL_TRAFFIC }],
          experiments: [oneRule('102', 'group_test', valued('302', 'red', true))],
        },
      ],
      featureFlags: [
        oneFlag('1', 'tested', ['101'], ''),
        oneFlag('2', 'grouped', ['102'], ''),
        oneFlag('3', 'delivered', [], 'r1'),
        oneFlag('4', 'targeted', [], 'r2'),
      ],
      rollouts: [
        { id: 'r1', experiments: [oneRule('103', 'default-r1', valued('303', 'on', true))] },
        {
          id: 'r2',
          experiments: [
            oneRule('104', 'swedes', valued('304', 'ja', true), inSweden('sweden')),
            oneRule('105', 'default-r2', valued('305', 'off', false)),
          ],
        },
      ],
      holdouts: [
        { ...oneRule('h1', 'kept_out', valued('306', 'out', false), inSweden('japan')), includedFlags: [] },
      ],
      localHoldouts: [
        {
          ...oneRule('h2', 'kept_out_here', valued('307', 'out', false), inSweden('japan')),
          includedRules: ['101'],
        },
      ],
      integrations: [{ key: 'odp', host: 'https://odp.example', publicKey: 'public' }],
      events: [{ id: '51', key: 'bought', experimentIds: ['101'] }],
    },
    7,
  );

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
