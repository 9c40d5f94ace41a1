// What is answered where no route is: 404 where nothing has the path, 405 where it has other methods. Below /v1 the SDK key
// is looked at first, as in the original, so that a client without a good one is told of that.

import type { Exchange } from './exchange.ts';
import { type FlagDeps, withDatafile } from './with-datafile.ts';

/** @param methods those that the path has; none: there is no such path */
export type Unrouted = (exchange: Exchange, path: string, methods: readonly string[]) => void | Promise<void>;

export const noRoute: Unrouted = (exchange, _path, methods) => {
  if (methods.length === 0) {
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
    return path === '/v1' || path.startsWith('/v1/') ? withDatafile(deps, tell)(exchange) : tell();
  };
