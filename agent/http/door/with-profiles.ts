// Gives a route that decides the user profile service of its request. Profiles kept in this process are read within the
// call; those behind a network are fetched before it and saved after it, so that no decision is made across turns.

import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { ProfileService, ProfileServices, UserProfile } from '../../decisions/profiles/profiles.ts';
import { FetchedProfile, type RequestProfiles } from '../../decisions/profiles/request-profiles.ts';
import type { Exchange } from '../kernel/exchange.ts';
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

/** Reads what a request asks for; null where it was refused, and answered. */
export type Read<R> = (exchange: Exchange, held: Held<FlagClient>) => R | null;
export type UserHandler<R> = (exchange: Exchange, held: Held<FlagClient>, request: R) => void | Promise<void>;

/**
 * A route that decides for a user: its request is read once, and `handle` then decides with the user's profile.
 * @param deps null, or without a desk: users have no profiles, which costs nothing
 */
export const forUser =
  <R extends { readonly userId: string }>(
    deps: ProfileDeps | null,
    read: Read<R>,
    handle: UserHandler<R>,
  ): FlagHandler =>
  (exchange, held) => {
    const request = read(exchange, held);
    if (request === null) return;
    if (deps === null || deps.desk === null) return handle(exchange, held, request);
    return withProfile(deps, deps.desk, exchange, held, request.userId, () =>
      handle(exchange, held, request),
    );
  };

function withProfile(
  deps: ProfileDeps,
  desk: RequestProfiles,
  exchange: Exchange,
  held: Held<FlagClient>,
  userId: string,
  handle: () => void | Promise<void>,
): void | Promise<void> {
  const service = serviceOf(deps, exchange, held);
  if (service === null) return handle();
  const decide = (profile: UserProfile | null): void | Promise<void> => {
    const session = new FetchedProfile(profile);
    const finish = () => {
      if (session.saved !== null) save(deps, service, session.saved);
    };
    const decided = desk.serve(session, handle);
    return decided instanceof Promise ? decided.then(finish) : finish();
  };
  const found = lookUp(deps, service, userId);
  return found instanceof Promise ? held.built.use(() => found.then(decide)) : decide(found);
}

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
