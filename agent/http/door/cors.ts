// CORS: which pages in browsers may call the API, and what they may send and read. The rules and their defaults are the
// original's, but for routes that it does not have. Costs a look at a header and at a path for callers that are no browser.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CorsSettings } from '../../config/config.ts';
import type { HeaderList } from '../kernel/exchange.ts';
import { CORS_BY_DEFAULT, CORS_ROUTES, type CorsRoute } from './cors-routes.ts';

export interface Cors {
  /** What the answer must say; null when this was a browser's question beforehand, which is answered now. */
  handle(request: IncomingMessage, response: ServerResponse): HeaderList | null;
}

/** Caches must not give an answer for one page to another, nor to a page what was answered to no page. */
const VARY: HeaderList = ['Vary', 'Origin'];
const VARY_PREFLIGHT: HeaderList = [
  'Vary',
  'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
];

/** The rules of some routes. */
interface Policy {
  toPreflight(request: IncomingMessage, method: string): HeaderList;
  toRequest(origin: string | undefined, method: string): HeaderList;
}

/** @param requestIdOf what the answer to a question beforehand names as its request's id; empty: none */
export function createCors(settings: CorsSettings, requestIdOf: (request: IncomingMessage) => string): Cors {
  const allowsOrigin = originRule(settings.allowedOrigins);
  const byDefault = createPolicy(settings, CORS_BY_DEFAULT, allowsOrigin);
  const ofRoutes = CORS_ROUTES.map(
    (route) => [route.path, createPolicy(settings, route, allowsOrigin)] as const,
  );
  const policyOf = ({ url = '' }: IncomingMessage): Policy => {
    for (const [path, policy] of ofRoutes) if (url.startsWith(path)) return policy;
    return byDefault;
  };

  return {
    handle(request, response) {
      const policy = policyOf(request);
      const method = request.method as string;
      if (method === 'OPTIONS') {
        const askedMethod = request.headers['access-control-request-method'];
        if (askedMethod) {
          request.resume();
          const requestId = requestIdOf(request);
          if (requestId !== '') response.setHeader('X-Request-Id', requestId);
          response.writeHead(200, [...policy.toPreflight(request, askedMethod), 'Content-Length', 0]);
          response.end();
          return null;
        }
      }
      return policy.toRequest(request.headers.origin, method);
    },
  };
}

function createPolicy(
  settings: CorsSettings,
  route: Omit<CorsRoute, 'path'>,
  allowsOrigin: (origin: string) => boolean,
): Policy {
  const isForAll = settings.allowedOrigins.includes('*');
  const allowedHeaders = settings.allowedHeaders ?? route.allowedHeaders;
  const exposedHeaders = settings.exposedHeaders ?? route.exposedHeaders;
  const credentials: HeaderList = settings.allowCredentials
    ? ['Access-Control-Allow-Credentials', 'true']
    : [];
  const exposed: HeaderList =
    exposedHeaders.length > 0 ? ['Access-Control-Expose-Headers', exposedHeaders.join(', ')] : [];

  /**
   * Where all may read, no page is named: with credentials its name would let every site act as the user, while browsers
   * refuse `*` with credentials.
   */
  const allowOrigin = (origin: string): HeaderList => [
    'Access-Control-Allow-Origin',
    isForAll ? '*' : origin,
    ...credentials,
  ];
  /** The same for every page and for none, so that caches need not keep one for each. */
  const toAll: HeaderList | null =
    isForAll && route.isShared === true ? [...allowOrigin('*'), ...exposed] : null;

  return {
    toPreflight({ headers }, method) {
      const { origin } = headers;
      const asked = splitNames(headers['access-control-request-headers']);
      const isAllowed =
        origin !== undefined &&
        allowsOrigin(origin) &&
        allowsMethod(settings, method) &&
        allowsHeaders(allowedHeaders, asked);
      if (!isAllowed) return VARY_PREFLIGHT;
      return [
        ...VARY_PREFLIGHT,
        ...allowOrigin(origin),
        'Access-Control-Allow-Methods',
        method.toUpperCase(),
        ...(asked.length > 0 ? ['Access-Control-Allow-Headers', asked.map(canonicalName).join(', ')] : []),
        ...(settings.maxAgeS > 0 ? ['Access-Control-Max-Age', settings.maxAgeS] : []),
      ];
    },
    toRequest(origin, method) {
      if (toAll !== null && allowsMethod(settings, method)) return toAll;
      if (origin === undefined || !allowsOrigin(origin) || !allowsMethod(settings, method)) return VARY;
      return [...VARY, ...allowOrigin(origin), ...exposed];
    },
  };
}

/** Exact origins, `*`, or one `*` for anything in between. */
function originRule(allowed: readonly string[]): (origin: string) => boolean {
  if (allowed.includes('*')) return () => true;
  const exact = new Set(allowed.filter((origin) => !origin.includes('*')));
  const wild = allowed
    .filter((origin) => origin.includes('*'))
    .map((origin) => origin.split('*') as [string, string]);
  return (text) => {
    const origin = text.toLowerCase();
    if (exact.has(origin)) return true;
    return wild.some(
      ([start, end]) =>
        origin.length >= start.length + end.length && origin.startsWith(start) && origin.endsWith(end),
    );
  };
}

const allowsMethod = ({ allowedMethods }: CorsSettings, method: string): boolean =>
  method === 'OPTIONS' || allowedMethods.includes(method.toUpperCase());

const allowsHeaders = (allowedHeaders: readonly string[], asked: readonly string[]): boolean =>
  allowedHeaders.includes('*') || asked.every((name) => allowedHeaders.includes(name.toLowerCase()));

/** `Content-Type`, as the original writes names, in any case that they were asked in. */
const canonicalName = (name: string): string =>
  name.toLowerCase().replace(/(?:^|-)[a-z]/g, (start) => start.toUpperCase());

const splitNames = (header: string | string[] | undefined): string[] =>
  String(header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
