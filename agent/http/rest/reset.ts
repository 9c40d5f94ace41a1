// POST /v1/reset: for test suites. Forgets what this agent keeps of users at a key: overrides, profiles, predictions and
// segments. The datafile stays, and so does what Redis keeps, which other agents share.

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
