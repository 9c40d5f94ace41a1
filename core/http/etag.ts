// A server's ETag and Last-Modified, as far as they may be sent back to ask whether there is another version. Pure.

/** RFC 9110, 8.8.3: `"…"` or `W/"…"` of visible characters. */
const ETAG_PATTERN = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const ETAG_CHARACTERS_MAX = 1_024;

/**
 * The tag when it is one, else null. A server's `ETag: *` sent back as `If-None-Match: *` would match everything that it serves, and a
 * list of tags more than the one that was read.
 */
export const etagOf = (header: string | null): string | null =>
  header !== null && header.length <= ETAG_CHARACTERS_MAX && ETAG_PATTERN.test(header) ? header : null;

/** How far a server's clocks may be from each other. */
const LAST_MODIFIED_AFTER_DATE_MAX_MS = 24 * 60 * 60_000;

/**
 * The date where the server may send it, else null. RFC 9110, 8.8.2.1: never later than the answer's own `Date`. One of
 * years to come, sent back, would have a server that compares dates say "not modified" until then.
 */
export function lastModifiedOf(header: string | null, date: string | null): string | null {
  if (header === null) return null;
  const modifiedMs = Date.parse(header);
  if (Number.isNaN(modifiedMs)) return null;
  return modifiedMs - Date.parse(date ?? '') > LAST_MODIFIED_AFTER_DATE_MAX_MS ? null : header;
}
