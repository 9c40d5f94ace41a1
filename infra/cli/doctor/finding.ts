// One check and its result. Knows nothing of the subject of the check.

import { FanoutError, messageOf } from '../../../core/errors.ts';
import { forOperator } from '../aws-errors.ts';

export type Standing =
  | 'ok'
  /** Works, but the operator should look at it. */
  | 'warn'
  | 'fail'
  /** Not looked at; `detail` says why. */
  | 'skipped';

export interface Finding {
  /** Stable, for scripts: `bucket`, `bus`, `webhook 42`. */
  readonly check: string;
  readonly standing: Standing;
  readonly detail: string;
  /** What to do; empty where nothing is to be done. */
  readonly remedy: string;
}

export type Judgement = Omit<Finding, 'check'>;

export const ok = (detail: string): Judgement => ({ standing: 'ok', detail, remedy: '' });
export const warn = (detail: string, remedy: string): Judgement => ({ standing: 'warn', detail, remedy });
export const fail = (detail: string, remedy: string): Judgement => ({ standing: 'fail', detail, remedy });
export const skipped = (detail: string, remedy = ''): Judgement => ({ standing: 'skipped', detail, remedy });

/** Never throws: what a check throws is what it found. */
export async function examine(check: string, look: () => Promise<Judgement>): Promise<Finding> {
  try {
    return { check, ...(await look()) };
  } catch (thrown) {
    const error = forOperator(thrown);
    if (error instanceof FanoutError) {
      // Of the bus, the message has it in words; its client's own errors are often empty.
      const cause =
        error.cause === undefined || error.code === 'BUS_UNAVAILABLE' ? '' : messageOf(error.cause);
      const because = cause === '' || error.message.includes(cause) ? '' : ` (${cause})`;
      return { check, ...fail(`${error.message}${because}`, error.remedy) };
    }
    return { check, ...fail(messageOf(error), 'This was not foreseen; the message is all there is.') };
  }
}
