// POST /v1/save: what the user profile service shall know of a user from now on, in place of what it knew.

import type { UserProfile } from '../../decisions/profiles/profiles.ts';
import type { UserState } from '../../decisions/user-state.ts';
import { type Bounds, userIdProblem } from '../door/user-limits.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import { NO_SERVICE, type ProfileDeps, SERVICE_FAILED, serviceOf } from '../door/with-profiles.ts';
import { readBody } from '../openapi/schema-body.ts';
import { SAVE_BODY } from '../openapi/schema-routes.ts';
import { malformed, NO_USER, refuse } from './answer.ts';
import { whenSettled } from './when-settled.ts';

/** @param settled of the profiles that are kept in this process; see UserSharing */
export function saveHandler(
  deps: ProfileDeps,
  { limits }: Bounds,
  settled: UserState['settled'] = null,
): FlagHandler {
  return (exchange, held) => {
    const service = serviceOf(deps, exchange, held);
    if (service === null) return refuse(exchange, 500, NO_SERVICE);
    const body = readBody(SAVE_BODY, exchange.body);
    if (body === null) return malformed(exchange);
    if (body.userId === '') return refuse(exchange, 400, NO_USER);
    const problem = userIdProblem(body.userId, limits);
    if (problem !== null) return refuse(exchange, 400, problem);
    const profile = toProfile(body.userId, body.experimentBucketMap);
    if (profile === null) return malformed(exchange);
    const saved = service.save(profile);
    if (!(saved instanceof Promise)) return whenSettled(settled, () => exchange.empty(200));
    return saved.then(
      () => exchange.empty(200),
      (error) => {
        deps.onFailed('save', error);
        refuse(exchange, 503, SERVICE_FAILED);
      },
    );
  };
}

/** Null where a variation is not named by a text. What is not an object is passed over, as in the original. */
function toProfile(userId: string, buckets: Readonly<Record<string, unknown>>): UserProfile | null {
  const map: Record<string, { variation_id: string }> = Object.create(null);
  for (const [experimentId, bucket] of Object.entries(buckets)) {
    if (typeof bucket !== 'object' || bucket === null || Array.isArray(bucket)) continue;
    const { variation_id } = bucket as { variation_id?: unknown };
    if (typeof variation_id !== 'string') return null;
    map[experimentId] = { variation_id };
  }
  return { user_id: userId, experiment_bucket_map: map };
}
