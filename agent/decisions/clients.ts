// What decides by a datafile: one per revision, read and tried before it serves, closed after its last user. The engine decides; the
// SDK's client is built when it is first needed. Knows nothing of where datafiles come from or of HTTP.

import { checkLimits, type DatafileExpectation, decodeText } from '../../core/datafile/datafile.ts';
import { DatafileGate } from '../../core/datafile/gate.ts';
import type { LeftOut } from '../../core/datafile/left-out.ts';
import { Engine } from '../../core/engine/engine.ts';
import type { SdkKey, Seq, Sha256 } from '../../core/ids.ts';
import type { SourceName } from '../datafiles/sources/source.ts';
import type { Builder, Built } from '../datafiles/store.ts';
import type { SendEvent } from '../events/from-engine.ts';
import type { Cmab } from './cmab/cmab.ts';
import { FlagClient } from './flag-client.ts';
import type { Odp } from './odp/odp.ts';
import type { SdkProfiles } from './profiles/kept-variations.ts';
import { readExperiments } from './project-traits.ts';
import { buildSdk, once, type SdkSource } from './sdk-client.ts';
import type { SdkClient, SdkDispatcher } from './sdk-types.ts';
import { tryDecisions } from './trial/canary.ts';
import type { CrossCheck } from './trial/cross-check.ts';
import type { IdleWork } from './trial/idle-work.ts';
import { tryLater } from './trial/late-trial.ts';

/** What events name as their sender: Optimizely's Agent's own word. */
const CLIENT_ENGINE = 'Agent';
const NO_VERSION = '0.0.0';

export interface ClientsOptions {
  /** Takes the events of the SDK's decisions. */
  readonly dispatcher: SdkDispatcher;
  /** Takes the events of the engine's decisions; left out, none are sent. */
  readonly send?: SendEvent;
  /** What events call this agent's version. */
  readonly version?: string;
  /** Null: users have no profiles. */
  readonly profiles?: SdkProfiles | null;
  /** Left out, no service outside is ever asked. */
  readonly outside?: { readonly odp: Odp | null; readonly cmab: Cmab };
  /** A client that did not close cleanly. */
  readonly onCloseFailed: (error: unknown) => void;
  /** A flag whose decision was another than the SDK's; the SDK decides it from then on. */
  readonly onMistrusted?: (sdkKey: SdkKey, flagKey: string) => void;
  /** Left out, nothing is done later: flags that the engine refuses are tried by their first request. */
  readonly later?: {
    readonly idle: IdleWork;
    readonly crossCheck: CrossCheck;
    /** A flag that the SDK fails over, which is off from then on. */
    readonly onSetAside: (sdkKey: SdkKey, part: LeftOut) => void;
    /** The SDK's client could not be built. */
    readonly onFailed: (sdkKey: SdkKey, error: unknown) => void;
  };
}

export class FlagClients implements Builder<FlagClient> {
  readonly #options: ClientsOptions;
  readonly #closing = new Set<Promise<void>>();

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /**
   * @param seq decides which flags are tried before it serves. What is on disk is never refused for it: that would leave nothing
   *   to serve
   * @throws FanoutError DATAFILE_*
   */
  async build(
    body: Uint8Array,
    sha256: Sha256,
    expected: DatafileExpectation,
    { seq, source }: { readonly seq: Seq; readonly source?: SourceName } = { seq: 0 as Seq },
  ): Promise<Built<FlagClient>> {
    checkLimits(body, expected.sdkKey);
    const gate = new DatafileGate(body, sha256, expected);
    try {
      gate.validate(JSON.parse(decodeText(body, expected.sdkKey)));
      const { datafile, parsed } = gate.admitted();
      const built = this.#client(parsed, { body, sha256, expected });
      const setAside = this.#try(built, parsed, expected.sdkKey, { seq, mayRefuse: source !== 'disk' });
      const { revision, projectId } = datafile;
      // What is found out later is added.
      const leftOut = [...datafile.leftOut, ...setAside];
      this.#tryLater(built, parsed, expected.sdkKey, leftOut);
      return { built, revision, projectId, leftOut };
    } catch (cause) {
      throw gate.refusal(cause);
    }
  }

  #client(parsed: unknown, source: SdkSource): FlagClient {
    const { dispatcher, send = () => {}, version = NO_VERSION, profiles = null, outside } = this.#options;
    const { later, onMistrusted } = this.#options;
    const { sdkKey } = source.expected;
    const sender = { name: CLIENT_ENGINE, version };
    // Asked for with the first prediction, and kept.
    const experiments = once(() => readExperiments(parsed));
    const sinceMs = later?.idle.nowMs ?? 0;
    return new FlagClient({
      engine: new Engine(parsed, sender),
      ...{ parsed, profiles, send },
      buildSdk: () => {
        const predictions = outside?.cmab.optionsFor(sdkKey, (id) => experiments().get(id)?.variationIds);
        const options = { dispatcher, sender, profiles, ...(predictions ? { predictions } : {}) };
        return buildSdk(source, options);
      },
      closeSdk: (sdk) => this.#close(sdk),
      odp: ({ odp }) => (odp === null ? null : (outside?.odp?.project(odp) ?? null)),
      cmab: outside?.cmab ?? null,
      onMistrusted: (flagKey) => onMistrusted?.(sdkKey, flagKey),
      ...(later === undefined
        ? {}
        : {
            onDecided: (client, flagKey, user) => later.crossCheck.decided(client, sinceMs, flagKey, user),
          }),
    });
  }

  /** @throws FanoutError DATAFILE_UNDECIDABLE, DATAFILE_UNLOADABLE, with the client closed */
  #try(...[client, ...rest]: Parameters<typeof tryDecisions>): readonly LeftOut[] {
    try {
      return tryDecisions(client, ...rest);
    } catch (error) {
      client.retire();
      throw error;
    }
  }

  #tryLater(client: FlagClient, parsed: unknown, sdkKey: SdkKey, leftOut: LeftOut[]): void {
    const { later } = this.#options;
    if (later === undefined) return;
    const onSetAside = (part: LeftOut): void => {
      leftOut.push(part);
      later.onSetAside(sdkKey, part);
    };
    later.idle.add(
      tryLater(client, parsed, { onSetAside, onFailed: (error) => later.onFailed(sdkKey, error) }),
    );
  }

  retire(client: FlagClient): void {
    client.retire();
  }

  /** Resolves when every retired client has closed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #close(sdk: SdkClient): void {
    const closing = Promise.resolve()
      .then(() => sdk.close())
      .then(() => {}, this.#options.onCloseFailed)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
