// How many bytes of answers a process holds at a time: those being made, and those that their clients have not taken yet.
// Each is limited, but a few clients that ask for the largest and do not read would fill a small container. Small answers do not
// count: the operating system takes them at once.

import type { AnswerLimits } from '../../config/front-door-types.ts';
import { Refused } from './refused.ts';

/** Smaller answers do not count. */
export const COUNTED_BYTES_MIN = 64 * 1024;

export class AnswerBudget {
  readonly #limits: AnswerLimits;
  #left: number;

  constructor(limits: AnswerLimits) {
    this.#limits = limits;
    // One answer of the largest size always fits.
    this.#left = Math.max(limits.inFlightBytesMax, limits.bytesMax);
  }

  /**
   * Takes what an answer needs beyond what it has.
   * @param bytes of the answer in all
   * @throws Refused and nothing is taken
   */
  take(bytes: number, hasBytes: number): void {
    const { bytesMax, inFlightBytesMax } = this.#limits;
    if (bytes > bytesMax)
      throw new Refused(
        400,
        `the answer is larger than ${bytesMax} bytes; ask for less, or raise this limit (FANOUT_ANSWER_SIZE_MAX)`,
      );
    if (bytes - hasBytes > this.#left)
      throw new Refused(
        503,
        `the large answers under way have ${inFlightBytesMax} bytes, which is the limit (FANOUT_ANSWERS_IN_FLIGHT_MAX); send this request again in a second`,
      );
    this.#left -= bytes - hasBytes;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}
