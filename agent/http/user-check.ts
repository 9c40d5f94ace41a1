// What the SDK cannot take of a user or an event although it is well-formed JSON: refused with a text, where the SDK
// would throw, or drop the event in silence. Pure.

type Values = Readonly<Record<string, unknown>>;

const STICKY_ATTRIBUTE = '$opt_experiment_bucket_map';

/** Null for a user that can be decided for, else why not. */
export function userProblem(userId: string, attributes: Values): string | null {
  // The SDK takes it for a mistake of its caller.
  if (userId === 'undefined') return 'userId cannot be "undefined"';
  const unusable = namesProblem('attribute', attributes);
  if (unusable !== null) return unusable;
  return STICKY_ATTRIBUTE in attributes && !isBucketMap(attributes[STICKY_ATTRIBUTE])
    ? `attribute "${STICKY_ATTRIBUTE}" must hold, by experiment id, {"variation_id": "…"}`
    : null;
}

/** The SDK copies these, and calls the methods of every object on the copy. */
export function namesProblem(what: 'attribute' | 'event tag', values: Values): string | null {
  for (const name in values)
    if (name in Object.prototype) return `"${name}" cannot be the name of an ${what}`;
  return null;
}

const isBucketMap = (value: unknown): boolean =>
  isObject(value) &&
  namesProblem('attribute', value) === null &&
  Object.values(value).every((bucket) => isObject(bucket) && typeof bucket.variation_id === 'string');

const isObject = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
