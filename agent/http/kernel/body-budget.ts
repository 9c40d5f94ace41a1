// How many bytes of request bodies a port holds at a time. Each body is limited, but a few dozen clients that send the
// largest, or stop just before its end, would fill a small container. Bodies of one piece, as nearly all are, do not count:
// they are there for a moment only.

/** Sixteen of the largest bodies that are taken unless the operator says otherwise. */
const HELD_BYTES_MAX = 64 * 1024 * 1024;

export class BodyBudget {
  #left: number;

  /** @param bodyBytesMax one body of this size always fits */
  constructor(bodyBytesMax: number) {
    this.#left = Math.max(HELD_BYTES_MAX, bodyBytesMax);
  }

  /** False, and nothing taken, where so much is not left. */
  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}
