// Which variation a forced decision means where several rules of a flag have one of that key: the first in the order of the
// rules, as in the original. The SDK (6.6.1) keeps a flag's variations in the order of their ids' numbers, and would take
// whichever happens to have the lowest; so this puts what it keeps into the order of the rules.

import { MIXED_TYPE } from '../../core/engine/project/mixed.ts';
import type { SdkClient } from './sdk-types.ts';

interface Variation {
  readonly id: string;
}

interface Rule {
  readonly type?: string;
  readonly variations?: readonly Variation[];
}

/** As much of what the SDK keeps to itself as is used here. */
interface Inside {
  getProjectConfig(): {
    /** Rules of each flag, by its key: experiments, then those of its rollout. */
    readonly flagRulesMap: Readonly<Record<string, readonly Rule[]>>;
    readonly flagVariationsMap: Record<string, readonly Variation[]>;
  };
}

/** To be called once, before the client decides. */
export function orderFlagVariations(sdk: SdkClient): void {
  const { flagRulesMap, flagVariationsMap } = (sdk as unknown as Inside).getProjectConfig();
  for (const [flagKey, rules] of Object.entries(flagRulesMap)) {
    const byId = new Map<string, Variation>();
    const last = rules.at(-1);
    for (const rule of rules)
      for (const variation of rule.variations ?? []) {
        // The SDK mixes the last rule's variation into rules of this type; its place is that of the last rule all the same.
        const isMixedIn = rule.type === MIXED_TYPE && rule !== last && variation === last?.variations?.[0];
        if (!isMixedIn && !byId.has(variation.id)) byId.set(variation.id, variation);
      }
    flagVariationsMap[flagKey] = [...byId.values()];
  }
}
