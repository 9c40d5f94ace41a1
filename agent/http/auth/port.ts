// Everything about tokens on one port, from its settings: the route that issues them, the checker, and the keys that it
// may need. Wiring only.

import type { Clock } from '../../../core/clock.ts';
import type { Log } from '../../../core/log.ts';
import type { AuthSettings } from '../../config/config.ts';
import type { Route } from '../kernel/route.ts';
import { guardAdmin, guardApi } from './auth.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { oauthHandler } from './oauth.ts';
import { createTokenChecker } from './tokens.ts';

export interface PortAuth {
  /** Lets only bearers of good tokens through to these. */
  readonly guard: (routes: readonly Route[]) => readonly Route[];
  /** Answers `/oauth/token`. */
  readonly token: Route['handle'];
  start(): void;
  stop(): void;
}

export interface PortAuthDeps {
  readonly clock: Clock;
  readonly log: Log;
}

/** @param auth null: no token is asked for */
export function createPortAuth(
  port: 'api' | 'admin',
  auth: AuthSettings | null,
  deps: PortAuthDeps,
): PortAuth {
  const { clock, log } = deps;
  const nowMs = () => clock.nowMs();
  const url = auth?.jwksUrl ?? null;
  const keys =
    auth === null || url === null
      ? null
      : new IssuerKeys({ url, updateIntervalMs: auth.jwksUpdateIntervalMs, clock, log });
  const checker = auth === null ? null : createTokenChecker(auth, keys, nowMs);
  return {
    guard: (routes) => (port === 'api' ? guardApi(routes, checker) : guardAdmin(routes, checker)),
    token: oauthHandler({
      // Where another issuer gives the tokens, this agent gives none.
      auth: url === null ? auth : null,
      nowMs,
      claimsFor: ({ sdkKeys }) => (port === 'api' ? { sdk_keys: sdkKeys } : { admin: true }),
      compareSecret: async (secret, hash) => (await import('./secret.ts')).compareSecret(secret, hash),
    }),
    start: () => keys?.start(),
    stop: () => keys?.stop(),
  };
}
