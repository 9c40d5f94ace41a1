// Variations that testers forced on users. They belong to an SDK key, not to a revision: kept here, and put into each
// new client before it serves. Knows neither HTTP nor where datafiles come from.

import type { SdkKey } from '../../core/ids.ts';

/** Per SDK key. Overrides are for a handful of testers; a script gone wild must not fill the memory. */
export const OVERRIDES_MAX = 10_000;

/** Per SDK key, of all that overrides are made of: ids of users, above all, may be long. */
export const OVERRIDES_CHARACTERS_MAX = 4 * 1024 * 1024;

export interface Override {
  readonly sdkKey: SdkKey;
  readonly userId: string;
  readonly experimentKey: string;
  /** Null takes the override away. */
  readonly variationKey: string | null;
}

/** The one thing of a client that is needed here. */
export interface ForcedVariations {
  setForcedVariation(experimentKey: string, userId: string, variationKey: string | null): void;
}

export class Overrides {
  readonly #onChange: (override: Override) => void;
  /** SDK key → user → experiment → variation. */
  readonly #kept = new Map<SdkKey, Map<string, Map<string, string>>>();
  readonly #counts = new Map<SdkKey, number>();
  readonly #characters = new Map<SdkKey, number>();

  /** @param onChange told of each change that was asked for here; others may have to make the same */
  constructor(onChange: (override: Override) => void = () => {}) {
    this.#onChange = onChange;
  }

  /** The variation that is forced; null where none is. It may be one that the project does not have. */
  get(sdkKey: SdkKey, userId: string, experimentKey: string): string | null {
    return this.#kept.get(sdkKey)?.get(userId)?.get(experimentKey) ?? null;
  }

  count(sdkKey: SdkKey): number {
    return this.#counts.get(sdkKey) ?? 0;
  }

  /** Keeps the override and puts it into the client that serves. False when there are too many already. */
  set(override: Override, client: ForcedVariations): boolean {
    if (!this.accept(override, client)) return false;
    this.#onChange(override);
    return true;
  }

  /** Like set(), for a change that another process was asked for. */
  accept(override: Override, client: ForcedVariations | null): boolean {
    const { sdkKey, userId, experimentKey, variationKey } = override;
    const previous = this.get(sdkKey, userId, experimentKey);
    const isNew = previous === null;
    const characters = this.#characters.get(sdkKey) ?? 0;
    const grows =
      (variationKey === null ? 0 : sizeOf(override)) -
      (isNew ? 0 : sizeOf({ ...override, variationKey: previous }));
    if (variationKey === null) {
      if (!isNew) this.#remove(sdkKey, userId, experimentKey);
    } else {
      if (isNew && this.count(sdkKey) >= OVERRIDES_MAX) return false;
      if (grows > 0 && characters + grows > OVERRIDES_CHARACTERS_MAX) return false;
      if (isNew) this.#counts.set(sdkKey, this.count(sdkKey) + 1);
      const users = getOrMake(this.#kept, sdkKey);
      getOrMake(users, userId).set(experimentKey, variationKey);
    }
    this.#characters.set(sdkKey, characters + grows);
    if (client !== null) force(client, override);
    return true;
  }

  /** Everything that is kept, for processes that join later. */
  *all(): Iterable<Override> {
    for (const sdkKey of this.#kept.keys()) yield* this.#of(sdkKey);
  }

  /** Puts a key's overrides into a client that has none yet. */
  apply(sdkKey: SdkKey, client: ForcedVariations): void {
    for (const override of this.#of(sdkKey)) force(client, override);
  }

  /** Forgets a key's overrides, and takes them out of the client that serves. */
  clear(sdkKey: SdkKey, client: ForcedVariations): void {
    for (const override of [...this.#of(sdkKey)]) this.set({ ...override, variationKey: null }, client);
  }

  *#of(sdkKey: SdkKey): Iterable<Override> {
    for (const [userId, experiments] of this.#kept.get(sdkKey) ?? [])
      for (const [experimentKey, variationKey] of experiments)
        yield { sdkKey, userId, experimentKey, variationKey };
  }

  #remove(sdkKey: SdkKey, userId: string, experimentKey: string): void {
    const users = this.#kept.get(sdkKey);
    const experiments = users?.get(userId);
    experiments?.delete(experimentKey);
    if (experiments?.size === 0) users?.delete(userId);
    this.#counts.set(sdkKey, this.count(sdkKey) - 1);
  }
}

/**
 * A variation that the project does not have leaves the user where it would be without an override, as in the original:
 * so what the client had before goes first.
 */
function force(client: ForcedVariations, { experimentKey, userId, variationKey }: Override): void {
  // The SDK keeps users in a plain object, which such a name would spoil for all of them.
  if (userId in Object.prototype) return;
  client.setForcedVariation(experimentKey, userId, null);
  if (variationKey !== null) client.setForcedVariation(experimentKey, userId, variationKey);
}

const sizeOf = ({ userId, experimentKey, variationKey }: Override): number =>
  userId.length + experimentKey.length + (variationKey?.length ?? 0);

function getOrMake<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const inner = map.get(key) ?? new Map<L, V>();
  map.set(key, inner);
  return inner;
}
