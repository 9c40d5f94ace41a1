// Where a running `npm run up` leaves its addresses for the commands of other terminals. It holds the local webhook
// secret, so only its owner may read it.

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FanoutError } from '../../core/errors.ts';
import type { StackAddresses } from './stack-options.ts';
import { ROOT_DIR } from './stack-parts.ts';

/** The stack that was started last; FANOUT_STACK_FILE keeps several apart. */
export const ADDRESS_FILE = process.env.FANOUT_STACK_FILE ?? join(ROOT_DIR, '.local', 'stack.json');

export async function writeAddresses(addresses: StackAddresses, file: string = ADDRESS_FILE): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  // Removed first: a file that exists keeps its mode.
  await rm(file, { force: true });
  await writeFile(file, `${JSON.stringify(addresses, null, 2)}\n`, { mode: 0o600 });
}

/** Only what this stack wrote: another may have been started since. */
export async function removeAddresses(addresses: StackAddresses, file: string = ADDRESS_FILE): Promise<void> {
  const written = await readFile(file, 'utf8').catch(() => '');
  if (written.includes(addresses.webhookSecret)) await rm(file, { force: true });
}

/** @throws FanoutError STACK_FAILED when no stack runs */
export async function readAddresses(file: string = ADDRESS_FILE): Promise<StackAddresses> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as StackAddresses;
  } catch (cause) {
    throw new FanoutError({
      code: 'STACK_FAILED',
      message: 'No local stack runs',
      remedy: 'Start one in another terminal with `npm run up`.',
      retryable: true,
      cause,
    });
  }
}
