// Why the engine does not decide a flag: then the Optimizely SDK does. One flag at a time, so that one odd rule costs the
// others nothing. Pure.

/**
 * - `prediction`: a rule whose variation is asked for outside, while a decision is made.
 * - `unknown`: a field, a type or a shape that the engine has never seen. The SDK may well have.
 * - `odd`: a mistake, over which the SDK may fail: such a flag is tried before it serves.
 * - `mistrusted`: the SDK has decided otherwise.
 */
export type RefusalKind = 'prediction' | 'unknown' | 'odd' | 'mistrusted';

export class Refusal extends Error {
  readonly kind: RefusalKind;

  constructor(kind: RefusalKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** @param error what compiling a flag has thrown */
export const refusalOf = (error: unknown): Refusal =>
  error instanceof Refusal
    ? error
    : new Refusal('odd', error instanceof Error ? error.message : String(error));

/**
 * An id or a key. Optimizely's are texts; a number is compared in other ways by other parts of the SDK, and names that every object has
 * are found in the SDK's maps although no datafile put them there.
 * @throws Refusal
 */
export function nameOf(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Refusal('unknown', `${what} is no text`);
  if (value in Object.prototype) throw new Refusal('odd', `${what} has a name that every object has`);
  return value;
}
