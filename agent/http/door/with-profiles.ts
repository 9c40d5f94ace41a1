// Gives a route that decides the user profile service of its request. Profiles kept in this process are read within the
// call; those behind a network are fetched before it and saved after it, so that no decision is made across turns.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { ProfileService, ProfileServices, UserProfile } from '../../decisions/profiles/profiles.ts';
import { FetchedProfile, type RequestProfiles } from '../../decisions/profiles/request-profiles.ts';
import type { Exchange } from '../kernel/exchange.ts';
import { readBody } from '../openapi/schema-body.ts';
import { LOOKUP_BODY } from '../openapi/schema-routes.ts';
import type { FlagHandler } from './with-datafile.ts';

export const NO_SERVICE = 'no user profile service found';
export const SERVICE_FAILED = 'the user profile service does not answer; try again later';

const SERVICE_HEADER = 'x-optimizely-ups-name';

export interface ProfileDeps {
  readonly profiles: ProfileServices;
  /** Null where no service is configured. */
  readonly desk: RequestProfiles | null;
  /** Told of each look-up or save that failed; never of whom it was about. */
  readonly onFailed: (what: 'lookup' | 'save', error: unknown) => void;
}

/** The service that a request chooses, else the default one; null where there is none. */
export const serviceOf = (
  { profiles }: ProfileDeps,
  exchange: Exchange,
  { sdkKey }: Held<FlagClient>,
): ProfileService | null => profiles.of(sdkKey, exchange.header(SERVICE_HEADER));

/** `handle` as it is where no service is configured, so that those who have none pay nothing. */
export function withProfiles(
  deps: ProfileDeps,
  handle: FlagHandler,
  userIdOf: (exchange: Exchange) => string = userIdInBody,
): FlagHandler {
  const { desk } = deps;
  if (desk === null) return handle;
  return (exchange, held) => {
    const service = serviceOf(deps, exchange, held);
    const userId = service === null ? '' : userIdOf(exchange);
    // Without a user there is nothing to decide, and `handle` says so.
    if (service === null || userId === '') return handle(exchange, held);
    const found = lookUp(deps, service, userId);
    const decide = (profile: UserProfile | null): void | Promise<void> => {
      const session = new FetchedProfile(profile);
      const finish = () => {
        if (session.saved !== null) save(deps, service, session.saved);
      };
      const decided = desk.serve(session, () => handle(exchange, held));
      return decided instanceof Promise ? decided.then(finish) : finish();
    };
    if (!(found instanceof Promise)) return decide(found);
    return held.built.use(() => found.then(decide));
  };
}

const userIdInBody = ({ body }: Exchange): string => readBody(LOOKUP_BODY, body)?.userId ?? '';

/** Never fails: without its profile a user gets a fresh decision, which is better than none. */
function lookUp(
  deps: ProfileDeps,
  service: ProfileService,
  userId: string,
): UserProfile | null | Promise<UserProfile | null> {
  const failed = (error: unknown): null => {
    deps.onFailed('lookup', error);
    return null;
  };
  try {
    const found = service.lookup(userId);
    return found instanceof Promise ? found.catch(failed) : found;
  } catch (error) {
    return failed(error);
  }
}

/** Not waited for: the answer is made. */
function save(deps: ProfileDeps, service: ProfileService, profile: UserProfile): void {
  const failed = (error: unknown) => deps.onFailed('save', error);
  try {
    const saved = service.save(profile);
    if (saved instanceof Promise) saved.catch(failed);
  } catch (error) {
    failed(error);
  }
}
