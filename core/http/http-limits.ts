// How much of a request's head the receiver takes; agents, which have their clients' proxies in front of them, have settings
// for it. Node refuses what is ambiguous by itself: two lengths, a length beside chunks, bytes that no header may have.

/** Request line and all headers together; Node answers 431 beyond it. */
export const HEADER_BYTES_MAX = 16 * 1024;
/** Node 24 answers 431 beyond it; earlier ones drop what is more. Proxies add a dozen. */
export const HEADERS_MAX = 100;
