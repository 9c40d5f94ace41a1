// The users of infra/nats/users.conf on the bus of the stage, with passwords of this run. Who names no user may do everything
// in the account of the publisher: attacks with more rights than any shipped user has are tried that way.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ROOT_DIR } from '../../../../infra/build.ts';

export type BusUser = 'publisher' | 'agent';

/** The server takes a password that begins with a digit for a number. */
const password = (): string => `p${randomBytes(12).toString('hex')}`;
const PASSWORDS = { publisher: password(), agent: password(), monitor: password() };

const OWNER = 'owner';
/** The publisher's account is the first of the file. */
const FIRST_USERS = 'users: [';

/** What a part of the stack is told of the bus. */
export const busEnv = (user: BusUser) => ({
  FANOUT_NATS_USER: user,
  FANOUT_NATS_PASSWORD: PASSWORDS[user],
});

export const busLogin = (user: BusUser) => ({ user, pass: PASSWORDS[user] });

/** The shipped file itself, with the owner added. */
export async function stageBusConfig(): Promise<string> {
  const shipped = await readFile(join(ROOT_DIR, 'infra', 'nats', 'users.conf'), 'utf8');
  const owner = `{ user: ${OWNER}, password: ${password()} }`;
  const named = Object.entries(PASSWORDS).reduce(
    (text, [user, secret]) => text.replace(`$NATS_${user.toUpperCase()}_PASSWORD`, secret),
    shipped.replace(FIRST_USERS, `${FIRST_USERS}\n      ${owner}`),
  );
  return `${named}\nno_auth_user: ${OWNER}\n`;
}
