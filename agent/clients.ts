// Optimizely clients: one per revision, built and validated before it serves, closed after its last user. The only
// file that imports the SDK. Knows nothing of where datafiles come from or of HTTP.

import { isUtf8 } from 'node:buffer';
// The SDK for any platform: unlike the one for Node it lets its requests be made here, within our limits.
import {
  type Client,
  createForwardingEventProcessor,
  createInstance,
  createStaticProjectConfigManager,
  type DecisionNotificationPayload as DecisionPayload,
  type EventDispatcher,
  type RequestHandler,
  type TrackNotificationPayload as TrackPayload,
  type UserProfileService,
} from '@optimizely/optimizely-sdk/universal';
import {
  checkLimits,
  type Datafile,
  type DatafileExpectation,
  identifyDatafile,
  missingList,
} from '../core/datafile.ts';
import { FanoutError, isFanoutError } from '../core/errors.ts';
import type { SdkKey, Seq, Sha256 } from '../core/ids.ts';
import { tryDecisions } from './canary.ts';
import type { Cmab } from './cmab.ts';
import { Decider } from './decider/decider.ts';
import { EventTap } from './decider/tap.ts';
import type { SendEvent } from './events/from-decider.ts';
import { outgoing } from './events/outgoing.ts';
import { type ClientTraits, FlagClient, type Tap } from './flag-client.ts';
import { InvalidVariables } from './invalid-variables.ts';
import type { Odp } from './odp/odp.ts';
import { KeptVariations } from './profiles/kept-variations.ts';
import { type ProjectTraits, readExperiments, readTraits, regionOf } from './project-traits.ts';
import type { SourceName } from './sources/source.ts';
import type { Builder, Built } from './store.ts';

export type SdkClient = Client;
export type SdkCmab = Parameters<typeof createInstance>[0]['cmab'];
export type SdkRequestHandler = RequestHandler;
export type { DecisionPayload, EventDispatcher, TrackPayload };

/** The SDK builds synchronously; a client that is not ready by then never will be. */
const READY_TIMEOUT_MS = 5_000;
/** What events name as their sender; the SDK for Node's own word. */
const CLIENT_ENGINE = 'node-sdk';

export interface ClientsOptions {
  readonly dispatcher: EventDispatcher;
  /** Takes the events of decisions that are made without the SDK; left out, none are. */
  readonly send?: SendEvent;
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
   * @param seq decides which flags are tried before it serves; none of what is on disk, which was tried before it was saved:
   *   a start must not wait for it, and refusing the last good one would leave nothing to serve
   */
  async build(
    body: Uint8Array,
    sha256: Sha256,
    expected: DatafileExpectation,
    { seq, source }: { readonly seq: Seq; readonly source?: SourceName } = { seq: 0 as Seq },
  ): Promise<Built<FlagClient>> {
    checkLimits(body, expected.sdkKey);
    const check = identityCheck(body, sha256, expected);
    const { dispatcher, send, profiles, outside } = this.#options;
    const tap: Tap = new EventTap(dispatcher);
    // Asked for once the SDK has shown the datafile, and kept: a change must not wait for what few requests need.
    const experiments = once(() => readExperiments(check.shown()));
    let invalidVariables: InvalidVariables | null = null;
    const kept = profiles ? new KeptVariations(profiles, experiments) : null;
    try {
      const sdk = createInstance({
        projectConfigManager: createStaticProjectConfigManager({
          datafile: decodeText(body),
          jsonSchemaValidator: (parsed) => {
            const isRight = check.validate(parsed);
            invalidVariables = InvalidVariables.of(parsed);
            return isRight;
          },
        }),
        // Hands over each event within the call: nothing of it is left in a client that closes.
        eventProcessor: createForwardingEventProcessor(outgoing(tap, () => regionOf(check.shown()))),
        ...(kept === null ? {} : { userProfileService: kept }),
        clientEngine: CLIENT_ENGINE,
        requestHandler: NO_REQUESTS,
        ...outside?.cmab.optionsFor(expected.sdkKey, (id) => experiments().get(id)?.variationIds),
      });
      await sdk.onReady({ timeout: READY_TIMEOUT_MS });
      const { revision, projectId } = check.identity();
      const built = new FlagClient(sdk, () => this.#close(sdk), {
        ...this.#traits(check.traits()),
        // Who has a profile keeps the variations that it names; what is invalid is said among the reasons.
        decider:
          profiles || send === undefined || invalidVariables !== null ? null : Decider.of(check.shown()),
        ...{ tap, kept, invalidVariables, ...(send === undefined ? {} : { send }) },
        onMistrusted: (flagKey) => this.#options.onMistrusted?.(expected.sdkKey, flagKey),
      });
      if (source !== 'disk') this.#try(built, check.shown(), expected.sdkKey, seq);
      return { built, revision, projectId };
    } catch (cause) {
      // The SDK replaces what its validator throws by a general error.
      throw check.refusal() ?? (isFanoutError(cause) ? cause : unloadable(expected.sdkKey, cause));
    }
  }

  /** @throws FanoutError DATAFILE_UNDECIDABLE, with the client closed */
  #try(client: FlagClient, datafile: unknown, sdkKey: SdkKey, seq: Seq): void {
    try {
      tryDecisions(client, datafile, sdkKey, seq);
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

/**
 * The SDK shows its validator the parsed datafile before it builds on it. Looking at it there saves parsing a second
 * time, which would be a third of a swap.
 */
function identityCheck(body: Uint8Array, sha256: Sha256, expected: DatafileExpectation) {
  let datafile: Datafile | null = null;
  let shown: unknown = null;
  let refusal: unknown = null;
  return {
    validate: (parsed: unknown): boolean => {
      try {
        datafile = identifyDatafile(parsed, body, sha256, expected);
        const missing = missingList(parsed);
        if (missing !== null) throw unloadable(expected.sdkKey, new Error(`it has no list "${missing}"`));
        shown = parsed;
        return true;
      } catch (error) {
        refusal = error;
        throw error;
      }
    },
    identity: (): Datafile => {
      if (datafile === null) throw new Error('the SDK did not show the datafile to its validator');
      return datafile;
    },
    traits: (): ProjectTraits => readTraits(shown),
    shown: (): unknown => shown,
    refusal: (): unknown => refusal,
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

/** The SDK asks nobody but the prediction endpoint. */
const NO_REQUESTS: RequestHandler = {
  makeRequest: () => ({
    responsePromise: Promise.reject(new Error('nothing outside may be asked')),
    abort: () => {},
  }),
};

/** @throws where the bytes are not UTF-8: a lenient decoder would serve what nobody published */
function decodeText(body: Uint8Array): string {
  if (!isUtf8(body)) throw new Error('not UTF-8');
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString();
}

const unloadable = (sdkKey: SdkKey, cause: unknown) =>
  new FanoutError({
    code: 'DATAFILE_UNLOADABLE',
    message: `The Optimizely SDK cannot load a datafile of ${sdkKey}`,
    remedy: 'The last good datafile stays in use; publish the project again in app.optimizely.com.',
    retryable: false,
    fields: { sdkKey },
    cause,
  });
