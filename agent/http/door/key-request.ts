// Routes that other clients' conventions rule: where they carry the SDK key, and how they want refusals worded. What
// with-datafile.ts is to the original's routes.

import type { KeyRefusal } from '../../datafiles/keys/keys.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { FlagDeps } from './with-datafile.ts';

/** The datafile of the key that a text (`sdkKey` or `sdkKey:token`) names; a promise only where it has to be found first. */
export function heldFor(
  { keys, store }: FlagDeps,
  header: string,
  client: string,
): Held<FlagClient> | Promise<Held<FlagClient> | KeyRefusal> {
  const known = keys.resolved(header);
  const held = known === undefined ? null : store.get(known.sdkKey);
  if (held !== null) return held;
  return keys.resolve(header, client).then((found) => {
    if (typeof found === 'string') return found;
    return store.get(found.sdkKey) ?? 'not-found';
  });
}

/** The path as it was asked for, without its query. */
export function pathOf({ request }: Exchange): string {
  const url = request.url ?? '';
  const mark = url.indexOf('?');
  return mark < 0 ? url : url.slice(0, mark);
}

const BEARER = /^Bearer +(\S+) *$/i;

/** The token of an `Authorization` header; null when it has none. */
export const bearerToken = (authorization: string): string | null => BEARER.exec(authorization)?.[1] ?? null;

/** Whether an `If-None-Match`, which may list several and weak ones, names this ETag. */
export const namesEtag = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch === '*' ||
  ifNoneMatch.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
