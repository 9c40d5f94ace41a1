// What there is to say of the bus without its client: settings, what a link reports, and its error. So that the settings
// and the judge of the bus need not know which client it is.

import type { Beat } from '../../core/beat.ts';
import { FanoutError, messageOf } from '../../core/errors.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Version } from '../../core/version.ts';
import type { DatafileMeta } from './source.ts';

export interface NatsSettings {
  /** `ws://` or `wss://` URLs. */
  readonly servers: readonly string[];
  readonly user?: string;
  readonly password?: string;
  readonly token?: string;
  /** Contents of a .creds file. */
  readonly creds?: string;
}

/** A version that the bus has shown, with what its signature is about. */
export type BusHead = Version & Pick<DatafileMeta, 'revision' | 'sha256' | 'signature'>;

/** What the link does, for whoever judges the bus. */
export interface BusEvents {
  connected(): void;
  disconnected(): void;
  /** Two in a row. */
  pingsUnanswered(): void;
  /** Every watched key has been asked for since connected(). */
  caughtUp(): void;
  /** The bus has shown this version of a key, live or when asked. */
  head(sdkKey: SdkKey, head: BusHead): void;
  beat(beat: Beat): void;
}

/** The client's errors often have nothing but a code. */
const codeOf = (error: unknown): unknown => (error as { code?: unknown } | null)?.code;

/** The client's own errors are often empty, and its WebSocket's always. */
export const busUnavailable = ({ servers }: NatsSettings, cause: unknown) =>
  new FanoutError({
    code: 'BUS_UNAVAILABLE',
    message: `The bus at ${servers.join(', ')} does not answer (${messageOf(cause)}, ${codeOf(cause) ?? 'no code'})`,
    remedy: 'Check FANOUT_NATS_URL, its credentials and the server; datafiles come through S3 meanwhile.',
    retryable: true,
    cause,
  });
