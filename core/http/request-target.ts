// Where a request goes, in every form that its target may have (RFC 9112, 3.2): clients that take us for a proxy, and some monitors,
// name scheme and host in the request line. Every server must accept that. Pure.

/** `scheme://authority`, and what follows up to a fragment. */
const ABSOLUTE = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)([^#]*)/i;
/** Bytes of a host with its port: names, addresses and what a URI may escape (RFC 3986, 3.2.2). */
const HOST = /^[A-Za-z0-9._~%!$&'()*+,;=:[\]-]*$/;
const SLASH = 0x2f;

export interface OriginForm {
  /** The host that the target names; null where it names none. */
  readonly host: string | null;
  /** Path and query, as the usual request line has them. */
  readonly path: string;
}

/** As much of a request as is needed here; Node's own has it. */
export interface RequestHead {
  url?: string | undefined;
  readonly headers: { host?: string | undefined };
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
}

export function originForm(target: string): OriginForm {
  const [, authority, rest = ''] = ABSOLUTE.exec(target) ?? [];
  if (authority === undefined) return { host: null, path: target };
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return { host, path: rest.charCodeAt(0) === SLASH ? rest : `/${rest}` };
}

/**
 * Gives the request the usual form. A host in its target stands for the header (RFC 9112, 3.2.2), also where hosts are
 * checked.
 * @returns false for a request that must be answered 400: it has several Host headers, or one that is no host (3.2)
 */
export function settleTarget(request: RequestHead): boolean {
  const { url = '/', headers, rawHeaders } = request;
  if (url.charCodeAt(0) !== SLASH) {
    const { host, path } = originForm(url);
    request.url = path;
    if (host !== null) headers.host = host;
  }
  return countHosts(rawHeaders) <= 1 && HOST.test(headers.host ?? '');
}

/** Node keeps the first and drops the others, where a proxy before us may have gone by the last. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count++;
  }
  return count;
}

/** Whether a path has a `%` that no two hexadecimal digits follow; such a target is none (RFC 3986, 2.1). */
export const hasBrokenEscape = (path: string): boolean => /%(?![0-9a-f]{2})/i.test(path);
