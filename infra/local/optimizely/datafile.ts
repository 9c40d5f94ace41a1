// A datafile as Optimizely would serve it, of any size, the same for the same seed. For the local stack, tests and benches; nothing here reads real projects.

import type * as shape from '../../../core/datafile/shape.ts';
import type { Changeable } from '../../../core/datafile/shape.ts';
import { seeded } from './seeded.ts';

/** What a generated datafile is to be like. */
export interface DatafileOptions {
  /** 100 flags make about 240 KB. */
  readonly flags?: number;
  /** Further flags, before those. They are off for all users. */
  readonly samples?: readonly FlagSample[];
  readonly seed?: number;
  readonly revision?: number;
  readonly sdkKey?: string;
  readonly projectId?: string;
  readonly environmentKey?: string;
}

/** A flag by name, with the values that its variables have where it is off and where it is on. */
export interface FlagSample {
  readonly key: string;
  readonly variables: readonly {
    readonly name: string;
    readonly type: 'string' | 'integer' | 'double' | 'boolean';
    readonly off: string;
    readonly on: string;
  }[];
}

export const LOCAL_SDK_KEY = 'LocalFanoutKey1234567A';
export const LOCAL_PROJECT_ID = '20490310077';
/** `production` in the datafile, `Production` in the webhook. */
export const LOCAL_ENVIRONMENT = 'production';

/** As Optimizely writes it: with the lists that every project has. */
type Whole = Required<Pick<shape.DatafileJson, 'featureFlags' | 'experiments' | 'rollouts'>> &
  shape.DatafileJson;

/** Its parts may be changed here; fields that are not read here are carried along. */
export type DatafileJson = Changeable<Whole> & { projectId: string; [field: string]: unknown };
export type Experiment = Changeable<shape.Rule>;
export type Variation = Changeable<shape.Variation>;

const ATTRIBUTES = ['country', 'plan', 'app_version', 'device', 'age', 'signed_in', 'cart_value', 'locale'];
const AUDIENCES = 12;
const WORDS = 'harbour copper meadow signal orbit lantern velvet granite ripple cedar ember willow'.split(
  ' ',
);
/** Everything is drawn out of 10,000 in a datafile. */
const TRAFFIC_ALL = 10_000;

/** Flags are `flag_1` … `flag_n`. Every user gets `enabled: true` or `false` by the flag's experiment or its last rule. */
export function generateDatafile(options: DatafileOptions = {}): DatafileJson {
  const random = seeded(options.seed ?? 1);
  let nextId = 21_000_000_000;
  const make: Maker = {
    id: () => {
      nextId += 1 + Math.floor(random() * 9);
      return String(nextId);
    },
    pick: (from) => from[Math.floor(random() * from.length)] as (typeof from)[number],
    below: (limit) => Math.floor(random() * limit),
  };
  const attributes = ATTRIBUTES.map((key) => ({ id: make.id(), key }));
  const typedAudiences = Array.from({ length: AUDIENCES }, (_, i) => audience(make, i));
  const flags = [
    ...(options.samples ?? []).map((sample) => sampleFlag(make, sample)),
    ...Array.from({ length: options.flags ?? 100 }, (_, i) => flag(make, `flag_${i + 1}`, typedAudiences)),
  ];
  return {
    accountId: '20480111222',
    projectId: options.projectId ?? LOCAL_PROJECT_ID,
    revision: String(options.revision ?? 1),
    version: '4',
    sdkKey: options.sdkKey ?? LOCAL_SDK_KEY,
    environmentKey: options.environmentKey ?? LOCAL_ENVIRONMENT,
    anonymizeIP: true,
    botFiltering: false,
    sendFlagDecisions: true,
    attributes,
    // SDKs that know no typed conditions find an audience here that matches no user.
    audiences: typedAudiences.map(({ id, name }) => ({ id, name, conditions: NO_USER })),
    typedAudiences,
    groups: [],
    rollouts: flags.map(({ rollout }) => rollout),
    experiments: flags.flatMap(({ experiments }) => experiments),
    featureFlags: flags.map(({ feature }) => feature),
    events: [
      {
        id: make.id(),
        key: 'purchase',
        experimentIds: flags.flatMap(({ feature }) => feature.experimentIds),
      },
    ],
    integrations: [],
    variables: [],
  };
}

/** The bytes as a CDN would serve them. */
export const datafileBytes = (datafile: DatafileJson): Buffer => Buffer.from(JSON.stringify(datafile));

interface Maker {
  readonly id: () => string;
  readonly pick: <T>(from: readonly T[]) => T;
  readonly below: (limit: number) => number;
}

const NO_USER = JSON.stringify([
  'or',
  { match: 'exact', name: '$opt_dummy_attribute', type: 'custom_attribute', value: '$opt_dummy_value' },
]);

function audience(make: Maker, index: number) {
  const condition = (name: string, match: string, value: unknown) => ({
    match,
    name,
    type: 'custom_attribute',
    value,
  });
  return {
    id: make.id(),
    name: `${make.pick(WORDS)} ${make.pick(WORDS)} users ${index + 1}`,
    conditions: [
      'and',
      ['or', ['or', condition('country', 'exact', make.pick(['DE', 'SE', 'US', 'JP', 'BR']))]],
      [
        'or',
        ['or', condition('age', 'ge', 18 + make.below(40)), condition('plan', 'substring', make.pick(WORDS))],
      ],
    ],
  };
}

type Audience = ReturnType<typeof audience>;

function flag(make: Maker, key: string, audiences: readonly Audience[]) {
  const variables = VARIABLES.map(({ type, name, value }) => ({
    id: make.id(),
    key: name,
    type,
    defaultValue: value(make),
  }));
  const variation = (variationKey: string, featureEnabled: boolean): Variation => ({
    id: make.id(),
    key: variationKey,
    featureEnabled,
    variables: variables.map(({ id }, i) => ({ id, value: VARIABLES[i]?.value(make) ?? '' })),
  });
  const rolloutId = `rollout-${make.id()}-${key}`;
  const test = [variation('off', false), variation('on', true)];
  const experiment = rule(make, `${key}_test`, make.id(), [make.pick(audiences).id], test);
  const targeted = rule(
    make,
    `${key}_targeted`,
    rolloutId,
    [make.pick(audiences).id],
    [variation('on', true)],
  );
  const everyone = rule(make, `default-${rolloutId}`, rolloutId, [], [variation('off', false)]);
  return {
    experiments: [experiment],
    rollout: { id: rolloutId, experiments: [targeted, everyone] },
    feature: { id: make.id(), key, rolloutId, experimentIds: [experiment.id], variables },
  };
}

/** A flag with one rule, for all users; its values are those of the state that the flag is in. */
function sampleFlag(make: Maker, { key, variables }: FlagSample) {
  const declared = variables.map(({ name, type, off }) => ({
    id: make.id(),
    key: name,
    type,
    defaultValue: off,
  }));
  const rolloutId = `rollout-${make.id()}-${key}`;
  const on = declared.map(({ id }, i) => ({ id, value: variables[i]?.on ?? '' }));
  const everyone = { id: make.id(), key: 'off', featureEnabled: false, variables: on };
  return {
    experiments: [],
    rollout: { id: rolloutId, experiments: [rule(make, `default-${rolloutId}`, rolloutId, [], [everyone])] },
    feature: { id: make.id(), key, rolloutId, experimentIds: [], variables: declared },
  };
}

function rule(
  make: Maker,
  key: string,
  layerId: string,
  audienceIds: readonly string[],
  variations: Variation[],
): Experiment {
  return {
    id: make.id(),
    key,
    status: 'Running',
    layerId,
    audienceIds,
    audienceConditions: audienceIds.length === 0 ? [] : ['or', ...audienceIds],
    forcedVariations: {},
    variations,
    trafficAllocation: variations.map(({ id }, i) => ({
      entityId: id,
      endOfRange: Math.round(((i + 1) * TRAFFIC_ALL) / variations.length),
    })),
  };
}

const VARIABLES: readonly { type: string; name: string; value: (make: Maker) => string }[] = [
  { type: 'boolean', name: 'show_badge', value: (make) => make.pick(['true', 'false']) },
  { type: 'integer', name: 'items_per_page', value: (make) => String(5 + make.below(50)) },
  { type: 'double', name: 'discount', value: (make) => (make.below(1_000) / 1_000).toFixed(3) },
  {
    type: 'string',
    name: 'headline',
    value: (make) => Array.from({ length: 6 }, () => make.pick(WORDS)).join(' '),
  },
];
