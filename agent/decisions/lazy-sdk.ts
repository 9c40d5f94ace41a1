// The SDK's client of one revision, built when it is first needed, with all that has happened to the revision until then:
// overrides, flags that were set aside, listeners. Knows nothing of HTTP.

import type { Notification } from '../notifications/notification.ts';
import { requestContext } from './request-context.ts';
import type { BuiltSdk } from './sdk-client.ts';
import type { SdkClient } from './sdk-types.ts';

/** A flag as the SDK has it, which looks at a flag's rules when it decides. */
interface Flag {
  readonly key: string;
  experimentIds?: readonly string[];
  rolloutId?: string;
}

export class LazySdk {
  readonly #build: () => BuiltSdk;
  readonly #close: (client: SdkClient) => void;
  readonly #onNote: (note: Notification) => void;
  readonly #setAside = new Set<string>();
  /** User → experiment → variation, until there is a client to tell. */
  readonly #overrides = new Map<string, Map<string, string>>();
  #built: BuiltSdk | null = null;
  #isQuiet = false;

  /**
   * @param build throws FanoutError DATAFILE_UNLOADABLE
   * @param close called once, if it was ever built
   * @param onNote hears of every decision and conversion
   */
  constructor(
    build: () => BuiltSdk,
    close: (client: SdkClient) => void,
    onNote: (note: Notification) => void,
  ) {
    this.#build = build;
    this.#close = close;
    this.#onNote = onNote;
  }

  get isBuilt(): boolean {
    return this.#built !== null;
  }

  /** @throws FanoutError DATAFILE_UNLOADABLE */
  get built(): BuiltSdk {
    this.#built ??= this.#make();
    return this.#built;
  }

  /** Runs `ask` so that no listener hears of it. */
  quietly<T>(ask: (client: SdkClient) => T): T {
    const { client } = this.built;
    this.#isQuiet = true;
    try {
      return ask(client);
    } finally {
      this.#isQuiet = false;
    }
  }

  setForcedVariation(experimentKey: string, userId: string, variationKey: string | null): void {
    if (this.#built !== null) {
      this.#built.client.setForcedVariation(experimentKey, userId, variationKey);
      return;
    }
    const experiments = this.#overrides.get(userId) ?? new Map<string, string>();
    if (variationKey === null) experiments.delete(experimentKey);
    else experiments.set(experimentKey, variationKey);
    if (experiments.size === 0) this.#overrides.delete(userId);
    else this.#overrides.set(userId, experiments);
  }

  /** Without rules a flag is off for every user, with its variables' defaults. */
  setAside(flagKey: string): void {
    this.#setAside.add(flagKey);
    if (this.#built !== null) this.#takeRules(this.#built);
  }

  close(): void {
    if (this.#built !== null) this.#close(this.#built.client);
  }

  #make(): BuiltSdk {
    const built = this.#build();
    const { notificationCenter } = built.client;
    notificationCenter.addNotificationListener('DECISION', (decision) => {
      if (!this.#isQuiet) this.#onNote(requestContext().decisionNotification(decision));
    });
    notificationCenter.addNotificationListener('TRACK', (track) => {
      if (!this.#isQuiet) this.#onNote(requestContext().trackNotification(track));
    });
    for (const [userId, experiments] of this.#overrides)
      for (const [experimentKey, variationKey] of experiments)
        built.client.setForcedVariation(experimentKey, userId, variationKey);
    this.#overrides.clear();
    this.#takeRules(built);
    return built;
  }

  #takeRules({ parsed }: BuiltSdk): void {
    if (this.#setAside.size === 0) return;
    for (const flag of (parsed as { featureFlags?: readonly Flag[] }).featureFlags ?? []) {
      if (!this.#setAside.has(String(flag.key))) continue;
      flag.experimentIds = [];
      flag.rolloutId = '';
    }
  }
}
