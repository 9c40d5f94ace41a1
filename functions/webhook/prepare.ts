// What makes a first webhook as fast as any other, within a limit: no webhook is refused or held up because it did not work.

import { withinMs } from '../../core/clock.ts';
import { errorFields } from '../../core/errors.ts';
import type { Deps } from '../ports.ts';

/** A start that waits for a network that hangs would cost the first webhook more than it can gain. */
export const PREPARE_MAX_MS = 1_500;

/** What the schedule sends that keeps one instance warm (serverless.yml). */
export interface KeepWarm {
  readonly keepWarm: true;
}

/**
 * Never rejects.
 * @param steps told when time is up: what they would still do is better not done beside a webhook
 */
export async function prepare(
  { clock, log }: Pick<Deps, 'clock' | 'log'>,
  steps: readonly ((timeIsUp: AbortSignal) => Promise<void>)[],
): Promise<undefined> {
  const time = new AbortController();
  const done = steps.map((step) =>
    step(time.signal).catch((error: unknown) => log.warn('rehearsal.failed', errorFields(error))),
  );
  await withinMs(clock, PREPARE_MAX_MS, Promise.all(done), () => time.abort());
  return undefined;
}
