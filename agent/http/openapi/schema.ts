// The small language in which each route says what it takes. One description both checks a request and becomes its
// JSON Schema in the served document, so that the two cannot part. Pure.

/** What a description answers to a value of the wrong type; never a value that JSON can hold. */
export const WRONG = Symbol('wrong type');
export type Wrong = typeof WRONG;

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Schema<T> {
  /**
   * The value as its type. Null and left out count as the empty value of the type, and fields that are not described
   * are passed over: both as in the original, whose decoder works that way.
   */
  read(value: unknown): T | Wrong;
  readonly json: JsonSchema;
}

export type TypeOf<S> = S extends Schema<infer T> ? T : never;

const NOTHING: Readonly<Record<string, unknown>> = Object.freeze({});

/** Whether a value that anything() read was null or missing, and not an empty object. */
export const wasLeftOut = (value: object): boolean => value === NOTHING;

type Fields = Readonly<Record<string, Schema<unknown>>>;
type Optional<F extends Fields> = { readonly [K in keyof F]: TypeOf<F[K]> };

export function text(description: string, extra: JsonSchema = {}): Schema<string> {
  return {
    json: { type: 'string', description, ...extra },
    read: (value) => (typeof value === 'string' ? value : isNone(value) ? '' : WRONG),
  };
}

export function flag(description: string): Schema<boolean> {
  return {
    json: { type: 'boolean', description },
    read: (value) => (typeof value === 'boolean' ? value : isNone(value) ? false : WRONG),
  };
}

/** Anything by name; never null, see wasLeftOut(). */
export function anything(description: string): Schema<Readonly<Record<string, unknown>>> {
  return {
    json: { type: 'object', additionalProperties: true, description },
    read: (value) => (isObject(value) && holdsFinite(value) ? value : isNone(value) ? NOTHING : WRONG),
  };
}

/** Whether all numbers in it, however deep, are ones: JSON.parse makes Infinity of 1e400, which the original refuses. */
export function holdsFinite(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || value === null) return true;
  for (const name in value)
    if (!holdsFinite((value as Readonly<Record<string, unknown>>)[name])) return false;
  return true;
}

/** Values of one kind by name. Without a prototype: a name may be `__proto__`. */
export function mapOf<T>(of: Schema<T>, description: string): Schema<Readonly<Record<string, T>>> {
  return {
    json: { type: 'object', additionalProperties: of.json, description },
    read: (value) => {
      const map: Record<string, T> = Object.create(null);
      if (isNone(value)) return map;
      if (!isObject(value)) return WRONG;
      for (const [name, item] of Object.entries(value)) {
        const known = of.read(item);
        if (known === WRONG) return WRONG;
        map[name] = known;
      }
      return map;
    },
  };
}

export function listOf<T>(of: Schema<T>, description: string, extra: JsonSchema = {}): Schema<readonly T[]> {
  return {
    json: { type: 'array', items: of.json, description, ...extra },
    read: (value) => {
      if (isNone(value)) return [];
      if (!Array.isArray(value)) return WRONG;
      const list: T[] = [];
      for (const item of value) {
        const known = of.read(item);
        if (known === WRONG) return WRONG;
        list.push(known);
      }
      return list;
    },
  };
}

/** @param required only said in the document: what is missing has a text of its own, which the route knows */
export function object<F extends Fields>(
  fields: F,
  required: readonly (keyof F & string)[] = [],
): Schema<Optional<F>> {
  const described = Object.entries(fields);
  const properties = Object.fromEntries(described.map(([name, schema]) => [name, schema.json]));
  return {
    json: { type: 'object', properties, ...(required.length > 0 ? { required } : {}) },
    read: (value) => {
      if (!isObject(value) && !isNone(value)) return WRONG;
      const read: Record<string, unknown> = {};
      for (const [name, schema] of described) {
        const known = schema.read(isNone(value) ? undefined : fieldOf(value, name));
        if (known === WRONG) return WRONG;
        read[name] = known;
      }
      return read as Optional<F>;
    },
  };
}

/** As Go's decoder finds it: by its exact name, else in any case; the last of several. */
function fieldOf(object: Readonly<Record<string, unknown>>, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const lower = name.toLowerCase();
  const alike = Object.keys(object).findLast((key) => key.toLowerCase() === lower);
  return alike === undefined ? undefined : object[alike];
}

const isNone = (value: unknown): value is null | undefined => value === undefined || value === null;
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
