// A datafile as Optimizely would serve it, of any size, the same for the same seed; and the flip of one flag in any
// datafile. For the local stack, tests and benches; nothing here reads real projects.

/** What a generated datafile is to be like. */
export interface DatafileOptions {
  /** 100 flags make about 240 KB. */
  readonly flags?: number;
  readonly seed?: number;
  readonly revision?: number;
  readonly sdkKey?: string;
  readonly projectId?: string;
  readonly environmentKey?: string;
}

export const LOCAL_SDK_KEY = 'LocalFanoutKey1234567A';
export const LOCAL_PROJECT_ID = '20490310077';
/** `production` in the datafile, `Production` in the webhook. */
export const LOCAL_ENVIRONMENT = 'production';

export interface Variation {
  readonly id: string;
  readonly key: string;
  featureEnabled: boolean;
  readonly variables: readonly { readonly id: string; readonly value: string }[];
}

export interface Experiment {
  readonly id: string;
  readonly key: string;
  readonly variations: Variation[];
  readonly [field: string]: unknown;
}

/** The fields that are read or changed here; everything else is carried along. */
export interface DatafileJson {
  revision: string;
  readonly sdkKey?: string;
  readonly projectId: string;
  readonly environmentKey?: string;
  readonly featureFlags: {
    readonly key: string;
    readonly rolloutId: string;
    readonly experimentIds: string[];
  }[];
  readonly rollouts: { readonly id: string; readonly experiments: Experiment[] }[];
  readonly experiments: Experiment[];
  readonly groups?: { readonly experiments: Experiment[] }[];
  readonly [field: string]: unknown;
}

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
  const flags = Array.from({ length: options.flags ?? 100 }, (_, i) =>
    flag(make, `flag_${i + 1}`, typedAudiences),
  );
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
    // SDKs that know no typed conditions find an audience here that matches nobody.
    audiences: typedAudiences.map(({ id, name }) => ({ id, name, conditions: NOBODY })),
    typedAudiences,
    groups: [],
    rollouts: flags.map(({ rollout }) => rollout),
    experiments: flags.map(({ experiment }) => experiment),
    featureFlags: flags.map(({ feature }) => feature),
    events: [{ id: make.id(), key: 'purchase', experimentIds: flags.map(({ experiment }) => experiment.id) }],
    integrations: [],
    variables: [],
  };
}

/** The bytes as a CDN would serve them. */
export const datafileBytes = (datafile: DatafileJson): Buffer => Buffer.from(JSON.stringify(datafile));

/**
 * The next revision, with `enabled` of the flag turned round for every user: in all variations of its experiments and its
 * rollout. Works on any datafile of format 4. Throws when there is no such flag.
 */
export function flipFlag(datafile: DatafileJson, flagKey: string): DatafileJson {
  const next = structuredClone(datafile);
  const feature = next.featureFlags.find(({ key }) => key === flagKey);
  if (feature === undefined) throw new Error(`The datafile has no flag ${flagKey}`);
  const grouped = (next.groups ?? []).flatMap(({ experiments }) => experiments);
  const own = [...next.experiments, ...grouped].filter(({ id }) => feature.experimentIds.includes(id));
  const rules = next.rollouts.find(({ id }) => id === feature.rolloutId)?.experiments ?? [];
  for (const variation of [...own, ...rules].flatMap(({ variations }) => variations)) {
    variation.featureEnabled = !variation.featureEnabled;
  }
  next.revision = String(Number(datafile.revision) + 1);
  return next;
}

interface Maker {
  readonly id: () => string;
  readonly pick: <T>(from: readonly T[]) => T;
  readonly below: (limit: number) => number;
}

const NOBODY = JSON.stringify([
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
  const rule = (
    name: string,
    layerId: string,
    audienceIds: readonly string[],
    variations: Variation[],
  ): Experiment => ({
    id: make.id(),
    key: name,
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
  });
  const rolloutId = `rollout-${make.id()}-${key}`;
  const test = [variation('off', false), variation('on', true)];
  const experiment = rule(`${key}_test`, make.id(), [make.pick(audiences).id], test);
  const targeted = rule(`${key}_targeted`, rolloutId, [make.pick(audiences).id], [variation('on', true)]);
  const everyone = rule(`default-${rolloutId}`, rolloutId, [], [variation('off', false)]);
  return {
    experiment,
    rollout: { id: rolloutId, experiments: [targeted, everyone] },
    feature: { id: make.id(), key, rolloutId, experimentIds: [experiment.id], variables },
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

/** mulberry32: small, good enough to look real, and the same everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
