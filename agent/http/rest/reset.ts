// POST /v1/reset: for tests. Forgets what users left behind at a key (overrides, profiles kept here, caches); the datafile
// stays, as there is nothing to forget in it.

import type { UserState } from '../../decisions/user-state.ts';
import type { FlagHandler } from '../door/with-datafile.ts';
import { answer } from './answer.ts';
import { whenSettled } from './when-settled.ts';

export function resetHandler(users: Pick<UserState, 'forget' | 'settled'>): FlagHandler {
  return (exchange, held) => {
    users.forget(held);
    return whenSettled(users.settled, () => answer(exchange, 200, { result: true }));
  };
}
