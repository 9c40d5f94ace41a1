// Who asks /v1/activate, of which datafile, and what is answered of each experiment and flag.

import type { FlagClient } from '../../decisions/flag-client.ts';
import type { SdkClient } from '../../decisions/sdk-types.ts';
import type { ProjectKeys } from '../project/project-keys.ts';

export type UserContext = ReturnType<SdkClient['createUserContext']>;
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

export interface Activator {
  readonly client: FlagClient;
  readonly sdk: SdkClient;
  readonly project: ProjectKeys;
  readonly userId: string;
  readonly attributes: Attributes;
  /** As listeners are told of them: null where the request has none. */
  readonly ownAttributes: Attributes | null;
  /** True keeps impressions from being sent. */
  readonly isQuiet: boolean;
}

export const userOf = ({ sdk, userId, attributes }: Activator): UserContext =>
  sdk.createUserContext(userId, attributes as Parameters<SdkClient['createUserContext']>[1]);
