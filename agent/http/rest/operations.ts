// What answers the routes of the original's REST API, and beside them the documents about it: all that may be an operation of a batch.

import { errorFields } from '../../../core/errors.ts';
import type { Log } from '../../../core/log.ts';
import type { UserState } from '../../decisions/user-state.ts';
import { page } from '../admin/page.ts';
import { decideHandler } from '../decide/decide.ts';
import { jsonOnly } from '../door/json-only.ts';
import { noRouteOfKey } from '../door/unrouted.ts';
import type { Bounds } from '../door/user-limits.ts';
import { type FlagDeps, type FlagHandler, withDatafile } from '../door/with-datafile.ts';
import type { ProfileDeps } from '../door/with-profiles.ts';
import type { Route } from '../kernel/route.ts';
import { openApiHandlers } from '../openapi/openapi.ts';
import { config } from '../project/config.ts';
import { datafile } from '../project/datafile.ts';
import type { Handlers, OPERATIONS } from '../routes.ts';
import { activateHandler } from './activate/activate.ts';
import { batchHandler } from './batch.ts';
import { lookupHandler } from './lookup.ts';
import { overrideHandler } from './override.ts';
import { resetHandler } from './reset.ts';
import { saveHandler } from './save.ts';
import { sendOdpEventHandler } from './send-odp-event.ts';
import { trackHandler } from './track.ts';

export interface OperationDeps extends FlagDeps {
  readonly users: UserState;
  readonly profiles: ProfileDeps;
  readonly bounds: Bounds;
  readonly enableOverrides: boolean;
  readonly isOdpEnabled: boolean;
  /** As the operator calls it; empty where it is not said. */
  readonly version: string;
}

export function operationHandlers(deps: OperationDeps): Handlers<typeof OPERATIONS> {
  const { users, profiles, bounds, version } = deps;
  const about = (handle: FlagHandler) => withDatafile(deps, handle);
  const json = (handle: FlagHandler) => about(jsonOnly(bounds.limits, handle));
  return {
    'POST /v1/decide': json(decideHandler(bounds, profiles)),
    'POST /v1/activate': json(activateHandler(bounds, profiles)),
    'POST /v1/track': json(trackHandler(bounds)),
    'POST /v1/override': json(overrideHandler(deps.enableOverrides ? users : null, bounds)),
    'POST /v1/lookup': json(lookupHandler(profiles, bounds)),
    'POST /v1/save': json(saveHandler(profiles, bounds, users.settled)),
    'POST /v1/reset': json(resetHandler(users)),
    'POST /v1/send-odp-event': json(sendOdpEventHandler(deps.isOdpEnabled, bounds)),
    ...openApiHandlers(version),
    'GET /': page(version),
    'GET /v1/config': about(config),
    'GET /v1/datafile': about(datafile),
  };
}

export interface BatchDeps extends FlagDeps {
  readonly bounds: Bounds;
  readonly batch: { readonly operationsLimit: number; readonly maxConcurrency: number };
  readonly nowMs: () => number;
  readonly monotonicMs: () => number;
  readonly log: Log;
  /** For operations that bring no id of their own. */
  readonly newRequestId: () => string;
}

/** @param operations none of them may be a stream */
export function batch(deps: BatchDeps, operations: readonly Route[]): Route['handle'] {
  const { nowMs, monotonicMs, log, newRequestId, bounds } = deps;
  return batchHandler({
    operationsLimit: deps.batch.operationsLimit,
    maxConcurrency: deps.batch.maxConcurrency,
    turns: bounds.turns,
    routes: operations,
    unrouted: noRouteOfKey(deps),
    nowMs,
    monotonicMs,
    newRequestId,
    onFailed: (path, error) =>
      log.error('request.failed', { route: path, batch: true, ...errorFields(error) }),
  });
}
