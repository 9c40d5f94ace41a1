// The options of an agent's keys. Only shapes.

import type { SdkKey } from '../../../core/ids.ts';
import type { ConfiguredKey } from '../../config/config.ts';
import type { KeyPattern } from '../../config/key-pattern.ts';
import type { CdnAnswer } from '../sources/cdn.ts';

export interface KeysOptions {
  readonly configured: readonly ConfiguredKey[];
  readonly onDemandMax: number;
  /** Of the datafiles of those on demand. Left out: no limit. */
  readonly onDemandBytesMax?: number;
  /** Of the datafile that a key serves; 0 before it has one. */
  readonly bytesOf?: (sdkKey: SdkKey) => number;
  /** The pattern that a header must match beyond naming a key; null for none. */
  readonly pattern?: KeyPattern | null;
  readonly nowMs: () => number;
  /** Begins to serve a key; resolves after the first look everywhere. Never rejects. */
  readonly follow: (sdkKey: SdkKey, vouched: CdnAnswer | null) => Promise<void>;
  readonly unfollow: (sdkKey: SdkKey) => void;
  /** Whether a key that is not configured may be read with this token; the record would give it to every caller. */
  readonly vouch: (sdkKey: SdkKey, token: string | null) => Promise<CdnAnswer | 'denied' | 'not-found'>;
  /** The sources' reason why the key has no datafile; null when it has one. */
  readonly refusal: (sdkKey: SdkKey) => 'denied' | 'not-found' | null;
}
