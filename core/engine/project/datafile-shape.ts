// The parts of a datafile that decisions depend on, as makeLoadable() leaves them. Types only.

export interface Usage {
  readonly id: unknown;
  readonly value: unknown;
}

export interface Variation {
  readonly id: string;
  readonly key: string;
  readonly featureEnabled?: boolean | null;
  readonly variables?: readonly Usage[];
}

export interface Allocation {
  readonly entityId: string;
  /** The first bucket that is not in it. */
  readonly endOfRange: number;
}

export interface Rule {
  readonly id: string;
  readonly key: string;
  readonly status?: unknown;
  readonly type?: unknown;
  readonly cmab?: unknown;
  readonly layerId?: unknown;
  /** Of a delivery rule it would be a mistake; of an experiment the group that holds it says it. */
  readonly groupId?: unknown;
  readonly variations: readonly Variation[];
  readonly trafficAllocation: readonly Allocation[];
  readonly forcedVariations?: Readonly<Record<string, string>>;
  readonly audienceConditions?: unknown;
  readonly audienceIds?: unknown;
}

export interface Holdout extends Rule {
  /** Of a local holdout: ids of the rules that it is for. */
  readonly includedRules?: readonly string[];
  /** Whether delivery rules are decided all the same for a user who is held out. */
  readonly excludeTargetedDeliveries?: unknown;
}

export interface Group {
  readonly id: string;
  readonly policy?: unknown;
  readonly trafficAllocation: readonly Allocation[];
  readonly experiments?: readonly Rule[];
}

export interface Variable {
  readonly id: unknown;
  readonly key: string;
  readonly type: string;
  readonly subType?: string;
  readonly defaultValue: unknown;
}

export interface Flag {
  readonly key: string;
  readonly rolloutId?: string;
  readonly experimentIds: readonly string[];
  readonly variables?: readonly Variable[];
}

export interface Rollout {
  readonly id: string;
  readonly experiments: readonly Rule[];
}

export interface Audience {
  readonly id: string;
  readonly conditions: unknown;
}

export interface Datafile {
  readonly accountId?: unknown;
  readonly projectId?: unknown;
  readonly revision?: unknown;
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
  readonly attributes?: readonly { readonly id: unknown; readonly key: string }[];
  readonly holdouts?: readonly Holdout[];
  readonly localHoldouts?: readonly Holdout[];
}
