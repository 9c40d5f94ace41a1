// The routes of the original's REST API beside config and datafile: all of them are about one user of one project.

import { errorFields } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { UserState } from '../../decisions/user-state.ts';
import { pageRoute } from '../admin/page.ts';
import { decideHandler } from '../decide/decide.ts';
import { jsonOnly } from '../door/json-only.ts';
import { noRouteOfKey } from '../door/unrouted.ts';
import type { Bounds } from '../door/user-limits.ts';
import { type FlagDeps, type FlagHandler, withDatafile } from '../door/with-datafile.ts';
import type { Route } from '../kernel/route.ts';
import { openApiRoutes } from '../openapi/openapi.ts';
import { activateHandler } from './activate.ts';
import { batchHandler } from './batch.ts';
import { lookupHandler } from './lookup.ts';
import { overrideHandler } from './override.ts';
import { resetHandler } from './reset.ts';
import { saveHandler } from './save.ts';
import { sendOdpEventHandler } from './send-odp-event.ts';
import { trackHandler } from './track.ts';

export interface RestSettings {
  readonly enableOverrides: boolean;
  readonly isOdpEnabled: boolean;
  readonly version: string;
}

export interface RestDeps extends FlagDeps {
  readonly users: UserState;
  readonly rest: RestSettings;
  readonly bounds: Bounds;
}

export function restRoutes(deps: RestDeps): readonly Route[] {
  const { users, rest, bounds } = deps;
  const profiles = { profiles: users.profiles, desk: users.desk, onFailed: users.onProfileFailed };
  const post = (path: string, handle: FlagHandler): Route => ({
    method: 'POST',
    path,
    anyContentType: true,
    handle: withDatafile(deps, jsonOnly(bounds.limits, handle)),
  });
  return [
    post('/v1/decide', decideHandler(bounds, profiles)),
    post('/v1/activate', activateHandler(bounds, profiles)),
    post('/v1/track', trackHandler(bounds)),
    post('/v1/override', overrideHandler(rest.enableOverrides ? users : null, bounds)),
    post('/v1/lookup', lookupHandler(profiles, bounds)),
    post('/v1/save', saveHandler(profiles, bounds, users.settled)),
    post('/v1/reset', resetHandler(users)),
    post('/v1/send-odp-event', sendOdpEventHandler(rest.isOdpEnabled, bounds)),
    ...openApiRoutes(rest.version),
    pageRoute(rest.version),
  ];
}

export interface BatchDeps {
  readonly bounds: Bounds;
  readonly batch: { readonly operationsLimit: number; readonly maxConcurrency: number };
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** For operations that bring no id of their own. */
  readonly newRequestId?: () => string;
}

/** At every path that ends in it, as in the original. @param routes of operations: none of them may be a stream */
export function batchRoute(deps: BatchDeps & FlagDeps, routes: readonly Route[]): Route {
  const { batch, nowMs, monotonicMs, log, newRequestId, bounds } = deps;
  const onFailed = (path: string, error: unknown) =>
    log.error('request.failed', { route: path, batch: true, ...errorFields(error) });
  return {
    method: 'POST',
    path: '/v1/batch',
    ending: '/batch',
    anyContentType: true,
    handle: batchHandler({
      ...{
        ...batch,
        turns: bounds.turns,
        routes,
        nowMs,
        monotonicMs,
        onFailed,
        unrouted: noRouteOfKey(deps),
      },
      ...(newRequestId === undefined ? {} : { newRequestId }),
    }),
  };
}
