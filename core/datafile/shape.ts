// Optimizely's datafile (format 4), said once: its JSON as makeLoadable() leaves it, with the fields that are read here. Lists are
// lists then, and parts have the names that others know them by. Types only; a field of the type `unknown` is as it came.

import type { GIVEN_CONDITIONS } from './readable-conditions.ts';

export interface DatafileJson {
  readonly accountId?: unknown;
  readonly projectId?: unknown;
  readonly revision: string;
  readonly sdkKey?: string;
  readonly environmentKey?: string;
  readonly region?: unknown;
  readonly anonymizeIP?: unknown;
  readonly botFiltering?: unknown;
  readonly sendFlagDecisions?: unknown;
  readonly featureFlags?: readonly Flag[];
  readonly experiments?: readonly Rule[];
  readonly groups?: readonly Group[];
  readonly rollouts?: readonly Rollout[];
  readonly audiences?: readonly Audience[];
  readonly typedAudiences?: readonly Audience[];
  readonly attributes?: readonly Attribute[];
  readonly events?: readonly Event[];
  readonly integrations?: readonly Integration[];
  readonly holdouts?: readonly Holdout[];
  readonly localHoldouts?: readonly Holdout[];
}

export interface Flag {
  readonly id: string;
  readonly key: string;
  /** Empty for none. */
  readonly rolloutId?: string;
  readonly experimentIds: readonly string[];
  readonly variables?: readonly Variable[];
}

export interface Variable {
  readonly id: string;
  readonly key: string;
  readonly type: string;
  readonly subType?: string;
  /** A text for every type. */
  readonly defaultValue: string;
}

/** An experiment, or a rule of a rollout. */
export interface Rule {
  readonly id: string;
  readonly key: string;
  readonly status?: unknown;
  readonly type?: unknown;
  /** Where the rule asks for a prediction. */
  readonly cmab?: unknown;
  readonly layerId?: unknown;
  /** Set by the SDK, from the group that holds the experiment. */
  readonly groupId?: unknown;
  readonly variations: readonly Variation[];
  readonly trafficAllocation: readonly Allocation[];
  /** User id → variation key. */
  readonly forcedVariations?: Readonly<Record<string, string>>;
  readonly audienceConditions?: unknown;
  readonly audienceIds?: unknown;
}

export interface Variation {
  readonly id: string;
  readonly key: string;
  readonly featureEnabled?: boolean | null;
  readonly variables?: readonly Usage[];
}

/** The value that a variation gives to a variable of its flag. */
export interface Usage {
  readonly id: string;
  readonly value: string;
}

export interface Allocation {
  readonly entityId: string;
  /** The first bucket, of 10,000, that is not in it. */
  readonly endOfRange: number;
}

/** Experiments that exclude each other. */
export interface Group {
  readonly id: string;
  readonly policy?: unknown;
  readonly trafficAllocation: readonly Allocation[];
  readonly experiments?: readonly Rule[];
}

export interface Rollout {
  readonly id: string;
  readonly experiments: readonly Rule[];
}

export interface Holdout extends Rule {
  /** Of a local holdout: ids of the rules that it is for. */
  readonly includedRules?: readonly string[];
  /** Whether delivery rules are decided all the same for a user who is held out. */
  readonly excludeTargetedDeliveries?: unknown;
}

export interface Audience {
  readonly id: string;
  readonly name: string;
  /** A text in `audiences`, the conditions themselves in `typedAudiences`. */
  readonly conditions: unknown;
  /** As they came, where they could not be read. */
  readonly [GIVEN_CONDITIONS]?: unknown;
}

export interface Attribute {
  readonly id: string;
  readonly key: string;
}

export interface Event {
  readonly id: string;
  readonly key: string;
  readonly experimentIds?: readonly string[] | null;
}

/** `odp` is the project's Data Platform. */
export interface Integration {
  readonly key?: unknown;
  readonly host?: unknown;
  readonly publicKey?: unknown;
}

/** The same with fields that may be set: for the few places that change a datafile. */
export type Changeable<T> = T extends object ? { -readonly [K in keyof T]: Changeable<T[K]> } : T;
