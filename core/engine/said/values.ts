// The values of a flag's variables: a variation's own where it is on, else the flag's. Pure.

import type { Flag, Variable, Variation } from '../../datafile/shape.ts';
import { expectKnown } from '../project/known-fields.ts';
import type { Project } from '../project/project.ts';
import { nameOf, Refusal } from '../refusal.ts';
import { typedValue } from './variable-value.ts';

const TYPES: ReadonlySet<unknown> = new Set(['string', 'boolean', 'integer', 'double', 'json']);

/** By key; null where a value is none of its type: what is to be said then, the SDK's answers say. */
export function valuesOf(
  { variables = [] }: Flag,
  variation: Variation | null,
  isEnabled: boolean,
  project: Project,
): Readonly<Record<string, unknown>> | null {
  const usages = variation !== null && isEnabled ? project.usagesOf(variation.id) : null;
  const values: Record<string, unknown> = {};
  for (const variable of variables) {
    const own = usages?.findLast(({ id }) => String(id) === String(variable.id));
    const text = own === undefined ? variable.defaultValue : own.value;
    const type = typeOf(variable);
    if (type === 'string') values[variable.key] = text;
    else {
      const { value, isValid } = typedValue(type, String(text));
      if (!isValid) return null;
      values[variable.key] = value;
    }
  }
  return values;
}

/** Once for each flag. @throws Refusal */
export function expectReadableVariables({ key, variables = [] }: Flag): void {
  for (const variable of variables) {
    expectKnown(variable, 'variable');
    nameOf(variable.key, `a variable of flag "${key}"`);
    nameOf(String(variable.id), `the id of variable "${variable.key}"`);
    if (!TYPES.has(variable.type) || typeof variable.defaultValue !== 'string')
      throw new Refusal('unknown', `variable "${variable.key}" is of an unknown type`);
    if ((variable.subType ?? 'json') !== 'json' || (variable.subType && !isJson(variable)))
      throw new Refusal('unknown', `variable "${variable.key}" is of an unknown type`);
  }
}

/** JSON was a kind of text before it was a type. */
const isJson = ({ type, subType }: Variable): boolean =>
  type === 'json' || (type === 'string' && subType === 'json');

const typeOf = (variable: Variable): string => (isJson(variable) ? 'json' : variable.type);
