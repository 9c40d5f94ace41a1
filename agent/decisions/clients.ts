// Optimizely clients: one per revision, built and validated before it serves, closed after its last user. The only
// file that imports the SDK. Knows nothing of where datafiles come from or of HTTP.

// The SDK for any platform: unlike the one for Node it lets its requests be made here, within our limits.
import {
  createForwardingEventProcessor,
  createInstance,
  createStaticProjectConfigManager,
  type RequestHandler,
  type UserProfileService,
} from '@optimizely/optimizely-sdk/universal';
import { checkLimits, type DatafileExpectation, decodeText } from '../../core/datafile/datafile.ts';
import { DatafileGate } from '../../core/datafile/gate.ts';
import type { LeftOut } from '../../core/datafile/left-out.ts';
import type { SdkKey, Seq, Sha256 } from '../../core/ids.ts';
import type { SourceName } from '../datafiles/sources/source.ts';
import type { Builder, Built } from '../datafiles/store.ts';
import type { SendEvent } from '../events/from-decider.ts';
import { outgoing } from '../events/outgoing.ts';
import { tryDecisions } from './canary.ts';
import type { Cmab } from './cmab/cmab.ts';
import { Decider } from './decider/decider.ts';
import { EventTap } from './decider/event-tap.ts';
import { type ClientTraits, FlagClient, type Tap } from './flag-client.ts';
import { orderFlagVariations } from './flag-variations.ts';
import { InvalidVariables } from './invalid-variables.ts';
import type { Odp } from './odp/odp.ts';
import { KeptVariations } from './profiles/kept-variations.ts';
import { type ProjectTraits, readExperiments, readTraits, regionOf } from './project-traits.ts';
import type { SdkClient, SdkDispatcher } from './sdk-types.ts';

/** The SDK builds synchronously; a client that is not ready by then never will be. */
const READY_TIMEOUT_MS = 5_000;
/** What events name as their sender: Optimizely's Agent's own word. */
const CLIENT_ENGINE = 'Agent';

export interface ClientsOptions {
  readonly dispatcher: SdkDispatcher;
  /** Takes the events of decisions that are made without the SDK; left out, none are. */
  readonly send?: SendEvent;
  /** What events call this agent's version; left out, they name the SDK's. */
  readonly version?: string;
  /** Null: users have no profiles. */
  readonly profiles?: UserProfileService | null;
  /** Left out, no service outside is ever asked. */
  readonly outside?: { readonly odp: Odp | null; readonly cmab: Cmab };
  /** A client that did not close cleanly. */
  readonly onCloseFailed: (error: unknown) => void;
  /** A flag whose decision was another than the SDK's; the SDK's was given, and will be. */
  readonly onMistrusted?: (sdkKey: SdkKey, flagKey: string) => void;
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
    const { dispatcher, send, version, profiles, outside } = this.#options;
    const tap: Tap = new EventTap(dispatcher);
    // Asked for once the SDK has shown the datafile, and kept: a change must not wait for what few requests need.
    const experiments = once(() => readExperiments(gate.admitted().parsed));
    let invalidVariables: InvalidVariables | null = null;
    const kept = profiles ? new KeptVariations(profiles, experiments) : null;
    try {
      const sdk = createInstance({
        projectConfigManager: createStaticProjectConfigManager({
          datafile: decodeText(body, expected.sdkKey),
          jsonSchemaValidator: (parsed) => {
            const isRight = gate.validate(parsed);
            invalidVariables = InvalidVariables.of(parsed);
            return isRight;
          },
        }),
        // Hands over each event within the call: nothing of it is left in a client that closes.
        eventProcessor: createForwardingEventProcessor(outgoing(tap, () => regionOf(gate.admitted().parsed))),
        ...(kept === null ? {} : { userProfileService: kept }),
        clientEngine: CLIENT_ENGINE,
        ...(version === undefined ? {} : { clientVersion: version }),
        requestHandler: NO_REQUESTS,
        ...outside?.cmab.optionsFor(expected.sdkKey, (id) => experiments().get(id)?.variationIds),
      });
      await sdk.onReady({ timeout: READY_TIMEOUT_MS });
      orderFlagVariations(sdk);
      const { datafile, parsed } = gate.admitted();
      const built = new FlagClient(sdk, () => this.#close(sdk), {
        ...this.#traits(readTraits(parsed)),
        flagKeys: flagKeysOf(parsed),
        // Who has a profile keeps the variations that it names; what is invalid is said among the reasons.
        decider: profiles || send === undefined || invalidVariables !== null ? null : Decider.of(parsed),
        ...{ tap, kept, invalidVariables, ...(send === undefined ? {} : { send }) },
        onMistrusted: (flagKey) => this.#options.onMistrusted?.(expected.sdkKey, flagKey),
      });
      const setAside = this.#try(built, parsed, expected.sdkKey, { seq, mayRefuse: source !== 'disk' });
      const { revision, projectId, leftOut } = datafile;
      return { built, revision, projectId, leftOut: [...leftOut, ...setAside] };
    } catch (cause) {
      throw gate.refusal(cause);
    }
  }

  /** @throws FanoutError DATAFILE_UNDECIDABLE, with the client closed */
  #try(...[client, ...rest]: Parameters<typeof tryDecisions>): readonly LeftOut[] {
    try {
      return tryDecisions(client, ...rest);
    } catch (error) {
      client.retire();
      throw error;
    }
  }

  #traits({ odp, predicted, everyoneElse, holdouts }: ProjectTraits): ClientTraits {
    const { outside } = this.#options;
    if (outside === undefined) return { everyoneElse, holdouts };
    return {
      ...{ everyoneElse, holdouts },
      odp: odp === null ? null : (outside.odp?.project(odp) ?? null),
      predicted: predicted === null ? null : { rules: predicted, cmab: outside.cmab },
    };
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

/** Each once. A datafile that the SDK has built a client of has a list of them. */
function flagKeysOf(parsed: unknown): readonly string[] {
  const { featureFlags = [] } = parsed as { featureFlags?: readonly { readonly key: string }[] };
  return [...new Set(featureFlags.map(({ key }) => key))];
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The SDK asks the prediction endpoint only. */
const NO_REQUESTS: RequestHandler = {
  makeRequest: () => ({
    responsePromise: Promise.reject(new Error('nothing outside may be asked')),
    abort: () => {},
  }),
};
