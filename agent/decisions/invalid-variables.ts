// Variables whose value is none of their type. Optimizely does not make such; where there is one, decisions have the type's
// own value for "nothing", and say so among their reasons whether or not they were asked for. Knows neither SDK nor HTTP.

import { typedValue } from '../../core/engine/said/variable-value.ts';

interface Usage {
  readonly id: string;
  value: string;
}

interface Variable {
  readonly id: string;
  readonly key: string;
  readonly type: string;
  readonly subType?: string;
  defaultValue: string;
}

interface Rule {
  readonly id: string;
  readonly key: string;
  readonly variations?: readonly { readonly key: string; readonly variables?: readonly Usage[] }[];
}

interface Holder {
  readonly id: string;
  readonly experiments?: readonly Rule[];
}

interface Flag {
  readonly key: string;
  readonly rolloutId?: string;
  readonly experimentIds?: readonly string[];
  readonly variables?: readonly Variable[];
}

interface Datafile {
  readonly experiments?: readonly Rule[];
  readonly groups?: readonly Holder[];
  readonly rollouts?: readonly Holder[];
  readonly holdouts?: readonly Rule[];
  readonly localHoldouts?: readonly Rule[];
  readonly featureFlags?: readonly Flag[];
}

/** As much of a decision as says which values it has. */
export interface ValuedDecision {
  readonly flagKey: string;
  /** Null where a variation was forced on the flag as a whole. */
  readonly ruleKey: string | null;
  readonly variationKey: string | null;
  readonly enabled: boolean;
}

export class InvalidVariables {
  readonly #datafile: Datafile;
  readonly #invalid: ReadonlySet<object>;

  private constructor(datafile: Datafile, invalid: ReadonlySet<object>) {
    this.#datafile = datafile;
    this.#invalid = invalid;
  }

  /**
   * Rewrites each value in place that the SDK would read otherwise than Optimizely's Agent does.
   * @param parsed a datafile, before the SDK builds on it
   * @returns null where every value is one of its type
   */
  static of(parsed: unknown): InvalidVariables | null {
    const datafile = parsed as Datafile;
    const variables = listOf(datafile.featureFlags).flatMap((flag) => listOf(flag.variables));
    const byId = new Map(variables.map((variable) => [variable.id, variable]));
    const invalid = new Set<object>();
    for (const variable of variables)
      rewrite(variable, variable.defaultValue, variable, invalid, (text) => {
        variable.defaultValue = text;
      });
    for (const rule of rulesOf(datafile))
      for (const variation of listOf(rule.variations))
        for (const usage of listOf(variation.variables))
          rewrite(byId.get(usage.id), usage.value, usage, invalid, (text) => {
            usage.value = text;
          });
    return invalid.size === 0 ? null : new InvalidVariables(datafile, invalid);
  }

  /** One line for each variable of the flag whose value was none, in the datafile's order. */
  reasonsOf({ flagKey, ruleKey, variationKey, enabled }: ValuedDecision): readonly string[] {
    const flag = this.#datafile.featureFlags?.find(({ key }) => key === flagKey);
    if (flag === undefined) return [];
    const variation = this.#rulesOf(flag)
      .filter(({ key }) => ruleKey === null || key === ruleKey)
      .flatMap(({ variations }) => listOf(variations))
      .find(({ key }) => enabled && key === variationKey);
    return listOf(flag.variables)
      .filter((variable) => {
        const usage = listOf(variation?.variables).find(({ id }) => id === variable.id);
        return this.#invalid.has(usage ?? variable);
      })
      .map(({ key }) => `Variable value for key "${key}" is invalid or wrong type.`);
  }

  #rulesOf({ experimentIds = [], rolloutId }: Flag): readonly Rule[] {
    const { holdouts = [], localHoldouts = [], rollouts = [] } = this.#datafile;
    const delivery = rollouts.find(({ id }) => id === rolloutId)?.experiments ?? [];
    const own = rulesOf(this.#datafile).filter(({ id }) => experimentIds.includes(id));
    return [...holdouts, ...localHoldouts, ...own, ...delivery];
  }
}

function rulesOf({ experiments, groups, rollouts, holdouts, localHoldouts }: Datafile): readonly Rule[] {
  const held = [...listOf(groups), ...listOf(rollouts)].flatMap((holder) => listOf(holder.experiments));
  return [...listOf(experiments), ...held, ...listOf(holdouts), ...listOf(localHoldouts)];
}

/** Whatever else the datafile has in a list's place is for others to refuse. */
const listOf = <T>(list: readonly T[] | null | undefined): readonly T[] => (Array.isArray(list) ? list : []);

/** How nearly all values are written, and both SDKs read them alike. */
const USUAL: Readonly<Record<string, RegExp>> = {
  ...{ boolean: /^(?:true|false)$/, integer: /^-?\d{1,15}$/, double: /^-?\d{1,15}(?:\.\d{1,15})?$/ },
};

function rewrite(
  variable: Variable | undefined,
  text: string,
  owner: object,
  invalid: Set<object>,
  write: (text: string) => void,
): void {
  if (variable === undefined) return;
  const type = variable.subType === 'json' ? 'json' : variable.type;
  if (type === 'string' || USUAL[type]?.test(text)) return;
  const { value, isValid } = typedValue(type, String(text));
  if (!isValid) invalid.add(owner);
  if (type in USUAL) write(String(value));
}
