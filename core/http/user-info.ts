// Credentials inside of URLs (`https://user:password@host/`): taken out to be used, and masked wherever text is shown. The
// one place that knows how they look. Pure.

/** RFC 3986 ends the authority at these; WHATWG reads a backslash as a slash, so both are ends here. */
const USER_INFO = /^([a-z][a-z0-9+.-]*:\/\/)([^/?#\\]*)@/i;

export interface Credentials {
  readonly user: string;
  /** Empty where the URL has none. */
  readonly password: string;
}

export interface BareUrl {
  /** The URL without them, otherwise as it was written. */
  readonly url: string;
  /** Null where it holds none. */
  readonly credentials: Credentials | null;
}

/** Takes credentials out of a URL, or of a template of one. Their percent-encoding is undone. */
export function takeUserInfo(url: string): BareUrl {
  const [whole = '', scheme = '', userInfo = ''] = USER_INFO.exec(url) ?? [];
  if (whole === '') return { url, credentials: null };
  const bare = scheme + url.slice(whole.length);
  const colon = userInfo.indexOf(':');
  const user = decoded(colon < 0 ? userInfo : userInfo.slice(0, colon));
  const password = colon < 0 ? '' : decoded(userInfo.slice(colon + 1));
  return { url: bare, credentials: user === '' && password === '' ? null : { user, password } };
}

export const holdsUserInfo = (url: string): boolean => USER_INFO.test(url);

/** The value of HTTP's Authorization header (RFC 7617, as UTF-8). */
export const basicAuthorization = ({ user, password }: Credentials): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

/** A percent sign that encodes nothing is meant as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * Any text with all that may be credentials of a URL masked: before the last `@` of an authority, also of one that is
 * broken by a slash in its password, and of a URL that lacks its scheme. Masks too much rather than too little.
 */
export function maskUserInfo(text: string): string {
  if (!text.includes('@')) return text;
  return text
    .replace(/:\/\/[^\s/?#"'<>]*@/g, '://***@')
    .replace(/:\/\/[^\s/"'<>@]*:(?!\d{1,5}(?:[/?#]|$))[^\s"'<>]*@/g, '://***@')
    .replace(/(^|[\s"'(=,])[^\s"'(=,:/@]+:(?!\/)[^\s"'<>(,]*@(?=[\w[])/g, '$1***@');
}

/** A URL for an operator to read: without credentials, and without its query, which may hold a key. */
export const maskUrl = (url: string): string => maskUserInfo(url).replace(/\?.*$/, '?***');
