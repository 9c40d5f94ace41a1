// Requests that arrive together are answered together: those of one pass over the sockets one after another, after the
// last of them was read. Deciding many in a row keeps the processor's caches warm: under load a decision was measured to
// cost a quarter less, answer included. Knows nothing of HTTP.

export class Turns {
  #waiting: (() => void)[] = [];
  readonly #run = () => this.#runAll();

  /** Runs `answer`, which must not throw, before the sockets are looked at again. */
  add(answer: () => void): void {
    if (this.#waiting.push(answer) === 1) setImmediate(this.#run);
  }

  #runAll(): void {
    const answers = this.#waiting;
    this.#waiting = [];
    for (const answer of answers) answer();
  }
}
