// Costly work, one piece at a time, in lanes that take turns: a lane that is full of it does not hold up the others.
// Bounded; where there is no more room the longest lane gives way. Knows nothing of what is done.

interface Piece {
  readonly run: () => Promise<void>;
  readonly drop: () => void;
  readonly isWanted: () => boolean;
}

export interface FairQueueLimits {
  /** Pieces waiting in one lane, and in all. */
  readonly laneMax: number;
  readonly allMax: number;
}

export class FairQueue {
  readonly #limits: FairQueueLimits;
  /** Those in which something waits; the next in turn is the first. */
  readonly #lanes = new Map<string, Piece[]>();
  #waiting = 0;
  #isBusy = false;

  constructor(limits: FairQueueLimits) {
    this.#limits = limits;
  }

  /**
   * Resolves or rejects as `task` does; null where it was not done, for want of room or because it is not wanted any more.
   * @param isWanted asked when its turn comes
   */
  run<T>(lane: string, task: () => Promise<T>, isWanted: () => boolean = () => true): Promise<T | null> {
    return new Promise((resolve, reject) => {
      const piece: Piece = {
        run: () => task().then(resolve, reject),
        drop: () => resolve(null),
        isWanted,
      };
      if (!this.#hasRoom(lane)) return piece.drop();
      const pieces = this.#lanes.get(lane) ?? [];
      pieces.push(piece);
      this.#lanes.set(lane, pieces);
      this.#waiting++;
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#isBusy) return;
    this.#isBusy = true;
    for (let piece = this.#next(); piece !== null; piece = this.#next()) {
      if (piece.isWanted()) await piece.run();
      else piece.drop();
    }
    this.#isBusy = false;
  }

  #next(): Piece | null {
    const [name, pieces] = this.#lanes.entries().next().value ?? [];
    const piece = pieces?.shift();
    if (name === undefined || pieces === undefined || piece === undefined) return null;
    this.#waiting--;
    this.#lanes.delete(name);
    if (pieces.length > 0) this.#lanes.set(name, pieces);
    return piece;
  }

  #hasRoom(lane: string): boolean {
    const { laneMax, allMax } = this.#limits;
    if (this.#waiting >= allMax || this.#length(lane) >= laneMax) this.#dropUnwanted();
    const own = this.#length(lane);
    if (own >= laneMax) return false;
    if (this.#waiting < allMax) return true;
    const longest = [...this.#lanes.values()].reduce((a, b) => (b.length > a.length ? b : a));
    if (longest.length <= own + 1) return false;
    longest.pop()?.drop();
    this.#waiting--;
    return true;
  }

  #length(lane: string): number {
    return this.#lanes.get(lane)?.length ?? 0;
  }

  #dropUnwanted(): void {
    for (const [name, pieces] of this.#lanes) {
      const wanted = pieces.filter((piece) => piece.isWanted());
      for (const piece of pieces) if (!wanted.includes(piece)) piece.drop();
      this.#waiting -= pieces.length - wanted.length;
      if (wanted.length === 0) this.#lanes.delete(name);
      else this.#lanes.set(name, wanted);
    }
  }
}
