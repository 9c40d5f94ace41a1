// POST /v1/lookup: what the user profile service knows of a user.

import type { UserProfile } from '../../decisions/profiles/profiles.ts';
import { type Bounds, userIdProblem } from '../door/user-limits.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import { NO_SERVICE, type ProfileDeps, SERVICE_FAILED, serviceOf } from '../door/with-profiles.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { readBody } from '../openapi/schema-body.ts';
import { LOOKUP_BODY } from '../openapi/schema-routes.ts';
import { answer, malformed, NO_USER, refuse } from './answer.ts';

export function lookupHandler(deps: ProfileDeps, { limits }: Bounds): FlagHandler {
  return (exchange, held) => {
    const service = serviceOf(deps, exchange, held);
    if (service === null) return refuse(exchange, 500, NO_SERVICE);
    const body = readBody(LOOKUP_BODY, exchange.body);
    if (body === null) return malformed(exchange);
    const { userId } = body;
    if (userId === '') return refuse(exchange, 400, NO_USER);
    const problem = userIdProblem(userId, limits);
    if (problem !== null) return refuse(exchange, 400, problem);
    const found = service.lookup(userId);
    if (!(found instanceof Promise)) return profile(exchange, userId, found);
    return found.then(
      (late) => profile(exchange, userId, late),
      (error) => {
        deps.onFailed('lookup', error);
        refuse(exchange, 503, SERVICE_FAILED);
      },
    );
  };
}

function profile(exchange: Exchange, userId: string, found: UserProfile | null): void {
  answer(exchange, 200, { userId, experimentBucketMap: found?.experiment_bucket_map ?? {} });
}
