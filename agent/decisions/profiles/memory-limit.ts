// How many characters all profiles in this process have together: where there is no room for more, those give way who have
// the most. Knows nothing of what a profile is.

export interface ProfileMemoryMember {
  readonly characters: number;
  /** One of its profiles is kept no more. Not called while it has none. */
  giveWay(): void;
}

export class ProfileMemoryLimit {
  readonly #charactersMax: number;
  readonly #members = new Set<ProfileMemoryMember>();

  constructor(charactersMax: number = Number.POSITIVE_INFINITY) {
    this.#charactersMax = charactersMax;
  }

  join(member: ProfileMemoryMember): void {
    this.#members.add(member);
  }

  /** Profiles give way until so many characters more fit, or there are none left. */
  makeRoom(characters: number): void {
    if (this.#charactersMax === Number.POSITIVE_INFINITY) return;
    for (;;) {
      let all = characters;
      let largest: ProfileMemoryMember | null = null;
      for (const member of this.#members) {
        all += member.characters;
        if (member.characters > (largest?.characters ?? 0)) largest = member;
      }
      if (all <= this.#charactersMax || largest === null) return;
      largest.giveWay();
    }
  }
}
