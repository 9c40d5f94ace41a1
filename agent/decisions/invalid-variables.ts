// Variables whose value is none of their type. Optimizely does not make such; where there is one, decisions have the type's
// own value for "nothing", and say so among their reasons whether or not they were asked for. Knows neither SDK nor HTTP.

import type * as shape from '../../core/datafile/shape.ts';
import type { Changeable } from '../../core/datafile/shape.ts';
import { typedValue } from '../../core/engine/said/variable-value.ts';

type Datafile = Changeable<shape.DatafileJson>;
type Rule = Changeable<shape.Rule>;
type Usage = Changeable<shape.Usage>;

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
    const invalid = new Set<object>();
    /** Of variables that are no texts, by id. */
    const types = new Map<string, string>();
    listOf(datafile.featureFlags).forEach(({ variables }) => {
      listOf(variables).forEach((variable) => {
        const type = typeOf(variable);
        if (type === TEXT) return;
        types.set(variable.id, type);
        const { defaultValue } = variable;
        if (!isUsual(type, defaultValue))
          variable.defaultValue = readOdd(type, defaultValue, variable, invalid);
      });
    });
    const readUsage = (usage: Usage) => {
      const type = types.get(usage.id);
      if (type === undefined || isUsual(type, usage.value)) return;
      usage.value = readOdd(type, usage.value, usage, invalid);
    };
    if (types.size > 0)
      rulesOf(datafile).forEach(({ variations }) => {
        listOf(variations).forEach(({ variables }) => {
          listOf(variables).forEach(readUsage);
        });
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

  #rulesOf({ experimentIds = [], rolloutId }: shape.Flag): readonly Rule[] {
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

const TEXT = 'string';

const typeOf = ({ type, subType }: shape.Variable): string => (subType === 'json' ? 'json' : type);

/** How nearly all values are written, and both SDKs read them alike. */
const USUAL: ReadonlyMap<string, RegExp> = new Map([
  ['boolean', /^(?:true|false)$/],
  ['integer', /^-?\d{1,15}$/],
  ['double', /^-?\d{1,15}(?:\.\d{1,15})?$/],
]);

const isUsual = (type: string, text: string): boolean => USUAL.get(type)?.test(text) === true;

/** The text to have in place of one that is not usual; notes its owner where it is no value of its type. */
function readOdd(type: string, text: string, owner: object, invalid: Set<object>): string {
  const { value, isValid } = typedValue(type, String(text));
  if (!isValid) invalid.add(owner);
  return USUAL.has(type) ? String(value) : text;
}
