// How deep JSON may nest before it is parsed. Node parses any depth, but code that then walks or writes the value
// recursively (the SDK, JSON.stringify, structuredClone) overflows the stack. Pure; knows no message.

/** This project's own messages nest five deep at most; webhooks and other services' answers not much deeper. */
export const MESSAGE_DEPTH_MAX = 32;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LETTER_U = 0x75;
/** `{` and `[`, like `}` and `]`, differ in this bit alone: one comparison finds both. */
const BRACE_BIT = 0x20;
const OPENER = 0x7b;
const CLOSER = 0x7d;

/**
 * Counts brackets outside texts without parsing, so that hostile input costs one pass and no stack.
 * @param onText told of every text by its first byte and the one after its last, quotes left out; ends the count by true
 */
export function nestsDeeperThan(
  json: Uint8Array,
  depthMax: number,
  onText: ((from: number, to: number) => boolean) | null = null,
): boolean {
  const end = json.length;
  let depth = 0;
  for (let i = 0; i < end; i++) {
    const byte = json[i] as number;
    if (byte === QUOTE) {
      const from = i + 1;
      while (++i < end && json[i] !== QUOTE) if (json[i] === BACKSLASH) i++;
      if (onText?.(from, i)) return true;
    } else if ((byte | BRACE_BIT) === OPENER) {
      if (++depth > depthMax) return true;
    } else if ((byte | BRACE_BIT) === CLOSER) depth--;
  }
  return false;
}

/**
 * Where the object or array that the text begins with ends; the text's own end where it begins with neither, or has no
 * end. Says nothing of whether it is JSON.
 */
export function firstValueEnd(json: Uint8Array): number {
  let depth = 0;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i] as number;
    if (byte === QUOTE) while (++i < json.length && json[i] !== QUOTE) i += json[i] === BACKSLASH ? 1 : 0;
    else if ((byte | BRACE_BIT) === OPENER) depth++;
    else if ((byte | BRACE_BIT) === CLOSER && --depth === 0) return i + 1;
    if (depth === 0 && byte > SPACE) return json.length;
  }
  return json.length;
}

/**
 * As above, also for JSON inside texts: a datafile's audience conditions and JSON variables are such, and are parsed
 * when they are first needed. Only a text that could be JSON, and is long enough, is looked into.
 */
export function nestsDeeperThanWithTexts(json: Uint8Array, depthMax: number): boolean {
  return nestsDeeperThan(json, depthMax, (from, to) => {
    if (to - from <= 2 * depthMax) return false;
    while (from < to && (json[from] as number) <= SPACE) from++;
    const first = json[from] as number;
    // A backslash may spell anything.
    if ((first | BRACE_BIT) !== OPENER && first !== BACKSLASH) return false;
    if (countOpeners(json, from, to) <= depthMax) return false;
    const inner = unescaped(json.subarray(from, to));
    return inner !== null && nestsDeeperThan(inner, depthMax);
  });
}

/**
 * The value of JSON that came from outside.
 * @throws Error when it is not UTF-8 JSON, or nests deeper than `depthMax`
 */
export function parseJsonWithin(json: Uint8Array | string, depthMax: number = MESSAGE_DEPTH_MAX): unknown {
  const text = typeof json === 'string' ? json : new TextDecoder('utf-8', { fatal: true }).decode(json);
  // Each level is opened and closed: no shorter text can be that deep.
  if (text.length > 2 * depthMax) {
    const bytes = typeof json === 'string' ? new TextEncoder().encode(json) : json;
    if (nestsDeeperThan(bytes, depthMax)) throw new Error(`nests deeper than ${depthMax} levels`);
  }
  return JSON.parse(text);
}

/** At most so many brackets open in a text; an escape may be one. Nearly all texts end here, before anything is copied. */
function countOpeners(json: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) {
    const byte = json[i] as number;
    if ((byte | BRACE_BIT) === OPENER || (byte === BACKSLASH && json[i + 1] === LETTER_U)) count++;
  }
  return count;
}

/** The bytes that a text's escapes stand for; null where it is no JSON text, which the parser then finds too. */
function unescaped(text: Uint8Array): Uint8Array | null {
  if (!text.includes(BACKSLASH)) return text;
  try {
    return new TextEncoder().encode(JSON.parse(`"${new TextDecoder().decode(text)}"`));
  } catch {
    return null;
  }
}
