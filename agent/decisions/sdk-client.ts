// The Optimizely SDK's client of one revision. The only file that loads the SDK. Building one takes 3 to 60 ms of the serving
// thread, so it is built when it is first needed, and most revisions need none.

// The SDK for any platform: unlike the one for Node it lets its requests be made here, within our limits.
import {
  createForwardingEventProcessor,
  createInstance,
  createStaticProjectConfigManager,
  type RequestHandler,
} from '@optimizely/optimizely-sdk/universal';
import { type DatafileExpectation, decodeText } from '../../core/datafile/datafile.ts';
import { DatafileGate } from '../../core/datafile/gate.ts';
import type { Sha256 } from '../../core/ids.ts';
import { outgoing } from '../events/outgoing.ts';
import type { Cmab } from './cmab/cmab.ts';
import { orderFlagVariations } from './flag-variations.ts';
import { InvalidVariables } from './invalid-variables.ts';
import { KeptVariations, type SdkProfiles } from './profiles/kept-variations.ts';
import { readExperiments, regionOf } from './project-traits.ts';
import type { SdkClient, SdkDecideOptions, SdkDispatcher } from './sdk-types.ts';

export interface SdkSource {
  readonly body: Uint8Array;
  readonly sha256: Sha256;
  readonly expected: DatafileExpectation;
}

export interface SdkOptions {
  readonly dispatcher: SdkDispatcher;
  /** What events name as their sender. */
  readonly sender: { readonly name: string; readonly version: string };
  /** Null: users have no profiles. */
  readonly profiles: SdkProfiles | null;
  /** Left out, the prediction service is never asked. */
  readonly predictions?: ReturnType<Cmab['optionsFor']>;
}

export interface BuiltSdk {
  readonly client: SdkClient;
  /** The object that the SDK has built on. */
  readonly parsed: unknown;
  /** Null where every variable has a value of its type. */
  readonly invalidVariables: InvalidVariables | null;
  /** Null where users have no profiles. */
  readonly kept: KeptVariations | null;
}

/** The gate has taken the datafile before, so it has a shape that the SDK can load. @throws FanoutError DATAFILE_UNLOADABLE */
export function buildSdk({ body, sha256, expected }: SdkSource, options: SdkOptions): BuiltSdk {
  const { dispatcher, sender, profiles, predictions } = options;
  const gate = new DatafileGate(body, sha256, expected);
  let invalidVariables: InvalidVariables | null = null;
  // Read when the first profile has something to tell of them.
  const experiments = once(() => readExperiments(gate.admitted().parsed));
  const kept = profiles === null ? null : new KeptVariations(profiles, experiments);
  try {
    const client = createInstance({
      projectConfigManager: createStaticProjectConfigManager({
        datafile: decodeText(body, expected.sdkKey),
        jsonSchemaValidator: (parsed) => {
          const isRight = gate.validate(parsed);
          invalidVariables = InvalidVariables.of(parsed);
          return isRight;
        },
      }),
      // Hands over each event within the call: nothing of it is left in a client that closes.
      eventProcessor: createForwardingEventProcessor(
        outgoing(dispatcher, () => regionOf(gate.admitted().parsed)),
      ),
      ...(kept === null ? {} : { userProfileService: kept }),
      clientEngine: sender.name,
      clientVersion: sender.version,
      requestHandler: NO_REQUESTS,
      ...predictions,
    });
    // On a static datafile it is ready at once or never, and of "never" it only logs.
    client.onReady().catch(() => {});
    if (!isConfigured(client)) throw new Error('it has no configuration');
    orderFlagVariations(client);
    return { client, parsed: gate.admitted().parsed, invalidVariables, kept };
  } catch (cause) {
    throw gate.refusal(cause);
  }
}

/** What the SDK says to every decision while it has no configuration. */
const NOT_CONFIGURED = /not configured/i;
const PROBE = ['INCLUDE_REASONS', 'IGNORE_USER_PROFILE_SERVICE'] as unknown as SdkDecideOptions;

/** Asking for a decision is the only way to know within the call. */
const isConfigured = (client: SdkClient): boolean =>
  !client
    .createUserContext('probe')
    .decide('', PROBE)
    .reasons.some((reason) => NOT_CONFIGURED.test(reason));

/** Without predictions the SDK asks for nothing. */
const NO_REQUESTS: RequestHandler = {
  makeRequest: () => ({
    responsePromise: Promise.reject(new Error('nothing outside may be asked')),
    abort: () => {},
  }),
};

export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
