// Optimizely clients: one per revision, built and validated before it serves, closed after its last user. The only
// file that imports the SDK. Knows nothing of where datafiles come from or of HTTP.

import { isUtf8 } from 'node:buffer';
import {
  type Client,
  createBatchEventProcessor,
  createInstance,
  createStaticProjectConfigManager,
  type EventDispatcher,
} from '@optimizely/optimizely-sdk';
import { checkLimits, type Datafile, type DatafileExpectation, identifyDatafile } from '../core/datafile.ts';
import { FanoutError } from '../core/errors.ts';
import type { SdkKey, Sha256 } from '../core/ids.ts';
import type { Builder, Built } from './store.ts';

export type SdkClient = Client;
export type { EventDispatcher };

/** The SDK builds synchronously; a client that is not ready by then never will be. */
const READY_TIMEOUT_MS = 5_000;

export interface ClientsOptions {
  readonly dispatcher: EventDispatcher;
  readonly batchSize: number;
  readonly flushIntervalMs: number;
  /** A client that did not close cleanly (its events could not be sent). */
  readonly onCloseFailed: (error: unknown) => void;
}

/** A client with a count of its users: it is closed when it is retired and the last of them has let go. */
export class FlagClient {
  readonly sdk: SdkClient;
  readonly #close: () => void;
  #users = 0;
  #retired = false;
  #configJson: Uint8Array | null = null;

  constructor(sdk: SdkClient, close: () => void) {
    this.sdk = sdk;
    this.#close = close;
  }

  acquire(): SdkClient {
    this.#users++;
    return this.sdk;
  }

  release(): void {
    if (--this.#users === 0 && this.#retired) this.#close();
  }

  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#users === 0) this.#close();
  }

  /** The SDK's OptimizelyConfig as JSON without the datafile; made on first use, as few agents are ever asked. */
  configJson(): Uint8Array {
    this.#configJson ??= Buffer.from(
      JSON.stringify({ ...this.sdk.getOptimizelyConfig(), datafile: undefined }),
    );
    return this.#configJson;
  }
}

export class FlagClients implements Builder<FlagClient> {
  readonly #options: ClientsOptions;
  readonly #closing = new Set<Promise<void>>();

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  async build(body: Uint8Array, sha256: Sha256, expected: DatafileExpectation): Promise<Built<FlagClient>> {
    checkLimits(body, expected.sdkKey);
    const check = identityCheck(body, sha256, expected);
    const { dispatcher, batchSize, flushIntervalMs } = this.#options;
    try {
      const sdk = createInstance({
        projectConfigManager: createStaticProjectConfigManager({
          datafile: decodeText(body),
          jsonSchemaValidator: check.validate,
        }),
        eventProcessor: createBatchEventProcessor({
          eventDispatcher: dispatcher,
          batchSize,
          flushInterval: flushIntervalMs,
        }),
      });
      await sdk.onReady({ timeout: READY_TIMEOUT_MS });
      const { revision, projectId } = check.identity();
      return { built: new FlagClient(sdk, () => this.#close(sdk)), revision, projectId };
    } catch (cause) {
      // The SDK replaces what its validator throws by a general error.
      throw check.refusal() ?? unloadable(expected.sdkKey, cause);
    }
  }

  retire(client: FlagClient): void {
    client.retire();
  }

  /** Resolves when every retired client has sent its events and closed. */
  async closed(): Promise<void> {
    await Promise.all(this.#closing);
  }

  #close(sdk: SdkClient): void {
    const closing = afterThisTurn()
      .then(() => sdk.close())
      .then(() => {}, this.#options.onCloseFailed)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}

/** The SDK queues an event some microtasks after the decision; one closed before that would lose it. */
const afterThisTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/**
 * The SDK shows its validator the parsed datafile before it builds on it. Looking at it there saves parsing a second
 * time, which would be a third of a swap.
 */
function identityCheck(body: Uint8Array, sha256: Sha256, expected: DatafileExpectation) {
  let datafile: Datafile | null = null;
  let refusal: unknown = null;
  return {
    validate: (parsed: unknown): boolean => {
      try {
        datafile = identifyDatafile(parsed as Record<string, unknown>, body, sha256, expected);
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
    refusal: (): unknown => refusal,
  };
}

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
