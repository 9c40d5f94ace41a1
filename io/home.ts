// A home folder for processes that have none. Under a user that is in no passwd file and without HOME, os.homedir() throws, and
// with it the AWS SDK, which looks for ~/.aws before it takes keys from the environment.

import { homedir } from 'node:os';

/** Nothing is there, and nothing is written: what looks for files below it finds none. */
export const NO_HOME = '/nonexistent';

/** @param env of this process: what os.homedir() goes by */
export function ensureHome(env: Record<string, string | undefined>): void {
  try {
    homedir();
  } catch {
    env.HOME = NO_HOME;
  }
}
