// CORS: which pages in browsers may call the API, and what they may send and read. The rules and their defaults are the
// original's. Costs one look at a header for everybody who is no browser.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { CorsSettings } from '../config.ts';

export interface Cors {
  /** True when this was a browser's question beforehand, which is answered now. */
  handle(request: IncomingMessage, response: ServerResponse): boolean;
}

export function createCors(settings: CorsSettings): Cors {
  const allowsOrigin = originRule(settings.allowedOrigins);
  const isForAll = settings.allowedOrigins.includes('*');
  /** For all, the answer is the same whoever asks, unless with credentials: then `*` would not do. */
  const echoes = !isForAll || settings.allowCredentials;

  const allowOrigin = (response: ServerResponse, origin: string): void => {
    response.setHeader('Access-Control-Allow-Origin', echoes ? origin : '*');
    if (settings.allowCredentials) response.setHeader('Access-Control-Allow-Credentials', 'true');
  };

  const answerPreflight = (request: IncomingMessage, response: ServerResponse, method: string): void => {
    const { origin } = request.headers;
    const asked = splitNames(request.headers['access-control-request-headers']);
    response.setHeader('Vary', 'Origin, Access-Control-Request-Method, Access-Control-Request-Headers');
    if (
      origin !== undefined &&
      allowsOrigin(origin) &&
      allowsMethod(settings, method) &&
      allowsHeaders(settings, asked)
    ) {
      allowOrigin(response, origin);
      response.setHeader('Access-Control-Allow-Methods', method.toUpperCase());
      if (asked.length > 0) response.setHeader('Access-Control-Allow-Headers', asked.join(', '));
      if (settings.maxAgeS > 0) response.setHeader('Access-Control-Max-Age', settings.maxAgeS);
    }
    request.resume();
    response.writeHead(200, { 'Content-Length': 0 });
    response.end();
  };

  return {
    handle(request, response) {
      const { origin } = request.headers;
      if (origin === undefined) {
        // What a cache keeps of this answer must not be given to a page that may read it only with its name in it.
        if (echoes) response.setHeader('Vary', 'Origin');
        return false;
      }
      const method = request.method as string;
      const askedMethod = request.headers['access-control-request-method'];
      if (method === 'OPTIONS' && askedMethod !== undefined) {
        answerPreflight(request, response, askedMethod);
        return true;
      }
      if (echoes) response.setHeader('Vary', 'Origin');
      if (!allowsOrigin(origin) || !allowsMethod(settings, method)) return false;
      allowOrigin(response, origin);
      if (settings.exposedHeaders.length > 0)
        response.setHeader('Access-Control-Expose-Headers', settings.exposedHeaders.join(', '));
      return false;
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

const allowsHeaders = ({ allowedHeaders }: CorsSettings, asked: readonly string[]): boolean =>
  allowedHeaders.includes('*') || asked.every((name) => allowedHeaders.includes(name.toLowerCase()));

const splitNames = (header: string | string[] | undefined): string[] =>
  String(header ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
