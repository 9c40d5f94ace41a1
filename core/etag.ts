// Entity tags as they may be sent back in If-None-Match. Pure.

/** RFC 9110, 8.8.3: `"…"` or `W/"…"` of visible characters. */
const ETAG_PATTERN = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
const ETAG_CHARACTERS_MAX = 1_024;

/**
 * The tag when it is one, else null. A server's `ETag: *` sent back as `If-None-Match: *` would match whatever it serves, and a
 * list of tags more than the one that was read.
 */
export const etagOf = (header: string | null): string | null =>
  header !== null && header.length <= ETAG_CHARACTERS_MAX && ETAG_PATTERN.test(header) ? header : null;
