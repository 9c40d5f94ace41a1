// A request to /v1/activate, with what it is decided by, and the answer about each experiment and flag.

import type { UserDecisions } from '../../../decisions/decide.ts';
import type { FlagClient } from '../../../decisions/flag-client.ts';
import type { ProjectKeys } from '../../project/project-keys.ts';

export type Attributes = Readonly<Record<string, unknown>>;

export interface Activation {
  readonly userId: string;
  readonly experimentKey: string;
  readonly featureKey: string;
  readonly variationKey: string;
  readonly type: 'experiment' | 'feature' | '';
  readonly variables?: object;
  readonly enabled: boolean;
  readonly error?: string;
}

/** A flag that has a value for none: the whole request is refused, after what was decided. */
export interface Refused {
  readonly refusal: string;
}

export type Activated = Activation | Refused;

export interface Activator {
  readonly client: FlagClient;
  readonly project: ProjectKeys;
  readonly userId: string;
  /** As the SDK may have them. */
  readonly attributes: Attributes;
  /** As listeners are told of them: null where the request has none. */
  readonly ownAttributes: Attributes | null;
  /** True keeps impressions from being sent. */
  readonly isQuiet: boolean;
  /** Of flags. */
  readonly decisions: UserDecisions;
}
