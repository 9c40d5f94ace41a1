// A variable's value, from the text that the datafile has it in, as Optimizely's Agent reads it. Pure.

export interface TypedValue {
  readonly value: unknown;
  /** False where the text is none of the type: then the value is the type's own for "nothing". */
  readonly isValid: boolean;
}

const TRUE: ReadonlySet<string> = new Set(['1', 't', 'T', 'TRUE', 'true', 'True']);
const FALSE: ReadonlySet<string> = new Set(['0', 'f', 'F', 'FALSE', 'false', 'False']);
const INTEGER = /^[+-]?\d+$/;
const INTEGER_MAX = 2n ** 63n - 1n;
const INTEGER_MIN = -(2n ** 63n);
/** Digits may have an underscore between them. */
const DOUBLE = /^[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+(?:_\d+)*)(?:e[+-]?\d+)?$/i;

/** @param type a datafile's; what is none of them is taken for a text */
export function typedValue(type: string, text: string): TypedValue {
  if (type === 'boolean') return { value: TRUE.has(text), isValid: TRUE.has(text) || FALSE.has(text) };
  if (type === 'integer') return integer(text);
  if (type === 'double') {
    const value = DOUBLE.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN;
    return Number.isFinite(value) ? { value, isValid: true } : { value: 0, isValid: false };
  }
  return type === 'json' ? json(text) : { value: text, isValid: true };
}

/** Of 64 bits; beyond 2^53 it is not exact here. */
function integer(text: string): TypedValue {
  if (!INTEGER.test(text)) return { value: 0, isValid: false };
  const value = BigInt(text.replace(/^\+/, ''));
  if (value > INTEGER_MAX) return { value: Number(INTEGER_MAX), isValid: false };
  if (value < INTEGER_MIN) return { value: Number(INTEGER_MIN), isValid: false };
  return { value: Number(value), isValid: true };
}

function json(text: string): TypedValue {
  try {
    return { value: JSON.parse(text), isValid: true };
  } catch {
    return { value: null, isValid: false }; // Told as a reason of the decision.
  }
}
