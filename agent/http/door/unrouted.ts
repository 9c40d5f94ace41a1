// What is answered where no route is: 404 where nothing has the path, 405 where it has other methods. Below /v1 the SDK key
// is looked at first, as in the original, so that a client without a good one is told of that.

import { announcesNoBody, isJson } from '../kernel/content-type.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { type FlagDeps, withDatafile } from './with-datafile.ts';

/** @param methods those that the path has; none: there is no such path */
export type Unrouted = (exchange: Exchange, path: string, methods: readonly string[]) => void | Promise<void>;

/** To other methods such a path is not there, as in the original. */
export const isHealthPath = (path: string): boolean => path === '/health' || path.startsWith('/health/');

export const noRoute: Unrouted = (exchange, path, methods) => {
  if (methods.length === 0 || isHealthPath(path)) {
    exchange.text(404, '404 page not found\n');
    return;
  }
  exchange.headers.Allow = methods.join(', ');
  exchange.empty(405);
};

export const noRouteOfKey =
  (deps: FlagDeps): Unrouted =>
  (exchange, path, methods) => {
    const tell = () => noRoute(exchange, path, methods);
    if (path === '/v1' || path.startsWith('/v1/')) return withDatafile(deps, tell)(exchange);
    if (path.endsWith(PAGE_NAME)) return toPage(exchange);
    // To other methods it is not there on this port.
    return path === '/oauth/token' ? noRoute(exchange, path, []) : tell();
  };

/** On the webhook port a body of a wrong type is told first. */
export const noRouteOfWebhooks: Unrouted = (exchange, path, methods) => {
  if (announcesNoBody(exchange) || isJson(exchange.header('content-type')))
    return noRoute(exchange, path, methods);
  exchange.empty(415);
};

const PAGE_NAME = '/index.html';

/** Pages are at their folder, as in the original. */
function toPage(exchange: Exchange): void {
  const { url = '' } = exchange.request;
  const mark = url.indexOf('?');
  exchange.headers.Location = `./${mark < 0 ? '' : url.slice(mark)}`;
  exchange.empty(301);
}
