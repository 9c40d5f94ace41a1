// What a body is said to be. Pure.

const JSON_TYPE = 'application/json';

/** Whether a Content-Type says JSON, with parameters or without; the usual spelling costs no pattern. */
export const isJson = (contentType: unknown): boolean =>
  contentType === JSON_TYPE || /^application\/json\s*(?:;|$)/i.test(String(contentType ?? ''));
