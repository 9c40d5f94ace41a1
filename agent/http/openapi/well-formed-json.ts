// Halves of characters in the texts of JSON. Pure.

/** Most bodies have none, and are not looked at more closely. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
/** Escapes, each as a whole so that an escaped backslash begins none: a pair, a half, any other. */
const ESCAPES =
  /\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)/gs;

/**
 * The JSON with U+FFFD for every half of a surrogate pair, as Go's decoder reads it. JavaScript would keep the half, and what is
 * written down with it (an event, a profile) is no text in UTF-8: an endpoint may refuse the whole batch.
 */
export function wellFormedJson(json: string): string {
  if (!SURROGATE_ESCAPE.test(json)) return json;
  return json.replace(ESCAPES, (whole, half: string | undefined) => (half === undefined ? whole : '\\ufffd'));
}
