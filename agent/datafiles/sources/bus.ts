// The bus without its client: settings, the events of a link, and its error. So that the settings
// and the judge of the bus need not know which client it is.

import type { Beat } from '../../../core/bus/beat.ts';
import type { BusCause } from '../../../core/bus/cause.ts';
import type { BusCredentials } from '../../../core/bus/credentials.ts';
import { FanoutError } from '../../../core/errors.ts';
import type { SdkKey } from '../../../core/ids.ts';
import type { Version } from '../../../core/version.ts';
import type { DatafileMeta } from './source.ts';

export interface NatsSettings extends BusCredentials {
  /** `ws://` or `wss://` URLs, without credentials. */
  readonly servers: readonly string[];
  /** Files from which credentials are read again; the fields beside hold the contents at the start. */
  readonly files?: CredentialFiles;
}

/** Paths. */
export interface CredentialFiles {
  readonly password?: string;
  readonly token?: string;
  readonly creds?: string;
}

/** A version that the bus has shown, with what its signature is about. */
export type BusHead = Version & Pick<DatafileMeta, 'revision' | 'sha256' | 'signature'>;

/** The events of the link, for the judge of the bus. */
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

export const busUnavailable = ({ servers }: NatsSettings, { kind, says }: BusCause, cause?: unknown) =>
  new FanoutError({
    code: 'BUS_UNAVAILABLE',
    message: `The bus at ${servers.join(', ')} cannot be used: ${says}`,
    remedy: 'Check FANOUT_NATS_URL, its credentials and the server; datafiles come through S3 meanwhile.',
    retryable: true,
    fields: { busCause: kind },
    ...(cause === undefined ? {} : { cause }),
  });
