// Lets only requests with a good token through to routes. Put round each route, so that the operations of a batch meet it
// too; where no tokens are asked for, routes stay as they are. Rules and words are the original's.

import type { IncomingHttpHeaders } from 'node:http';
import type { Exchange } from '../kernel/exchange.ts';
import type { Route } from '../kernel/route.ts';
import { type Claims, type TokenChecker, TokenRefusal } from './tokens.ts';

/** Why the bearer of these claims may not do this; null when it may. */
type Rule = (claims: Claims, exchange: Exchange) => string | null;

const NO_TOKEN = new TokenRefusal(401, 'empty token');

/** Tokens of the API port are good for the SDK keys that they name. */
export const guardApi = (routes: readonly Route[], checker: TokenChecker | null): readonly Route[] =>
  guard(routes, checker, apiRule);

/** Tokens of the admin port say that they are. */
export const guardAdmin = (routes: readonly Route[], checker: TokenChecker | null): readonly Route[] =>
  guard(routes, checker, ({ admin }) => (admin === true ? null : 'admin flag not set'));

const apiRule: Rule = ({ sdk_keys: sdkKeys }, exchange) => {
  if (!Array.isArray(sdkKeys)) return 'invalid claims: sdk_keys not found, or have the wrong type';
  const header = exchange.header('x-optimizely-sdk-key') || ofrepKey(exchange);
  const sdkKey = header.split(':', 1)[0] as string;
  return sdkKeys.includes(header) || sdkKeys.includes(sdkKey)
    ? null
    : "SDK key given in X-Optimizely-Sdk-Key header was not found in the SDK keys in this token's claims";
};

/** OFREP's clients have another header for it. */
const ofrepKey = (exchange: Exchange): string =>
  exchange.path.startsWith('/ofrep/') ? exchange.header('x-api-key') : '';

function guard(routes: readonly Route[], checker: TokenChecker | null, rule: Rule): readonly Route[] {
  if (checker === null) return routes;
  return routes.map((route) => (route.isOpen ? route : { ...route, handle: guarded(route, checker, rule) }));
}

function guarded({ handle }: Route, checker: TokenChecker, rule: Rule): Route['handle'] {
  const judge = (exchange: Exchange, found: Claims | TokenRefusal): void | Promise<void> => {
    if (found instanceof TokenRefusal) return refuse(exchange, found);
    const reason = rule(found, exchange);
    return reason === null ? handle(exchange) : refuse(exchange, new TokenRefusal(401, reason));
  };
  return (exchange) => {
    const token = tokenIn(exchange.request.headers);
    if (token === '') return refuse(exchange, NO_TOKEN);
    const found = checker.check(token);
    return found instanceof Promise ? found.then((late) => judge(exchange, late)) : judge(exchange, found);
  };
}

function refuse(exchange: Exchange, { status, reason }: TokenRefusal): void {
  if (status === 401) exchange.headers['WWW-Authenticate'] = 'Bearer';
  exchange.error(status, reason);
}

/** `Authorization: Bearer …` or `JWT …`; the original also takes the bare token, there or in two headers of its own. */
function tokenIn(headers: IncomingHttpHeaders): string {
  const text = headers.authorization ?? headers.jwt ?? headers.auth;
  return typeof text === 'string' ? text.replace(/^(?:Bearer|JWT)\s+/i, '').trim() : '';
}
