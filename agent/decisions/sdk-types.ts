// Types of Optimizely's SDK, by the names that the agent uses. Only types: clients.ts is the one file that loads the SDK itself.

import type {
  Client,
  createInstance,
  DecisionNotificationPayload,
  EventDispatcher,
  OptimizelyDecision,
  RequestHandler,
  TrackNotificationPayload,
} from '@optimizely/optimizely-sdk/universal';

export type SdkClient = Client;
export type SdkConfig = Parameters<typeof createInstance>[0];
export type SdkCmab = SdkConfig['cmab'];
export type SdkRequestHandler = RequestHandler;

/** A user as the SDK decides for one. */
export type SdkUser = ReturnType<Client['createUserContext']>;
export type SdkAttributes = NonNullable<Parameters<Client['createUserContext']>[1]>;
export type SdkTags = NonNullable<Parameters<Client['track']>[3]>;
export type SdkDecision = OptimizelyDecision;
export type SdkDecideOptions = NonNullable<Parameters<SdkUser['decide']>[1]>;

export type SdkDispatcher = EventDispatcher;
export type SdkEvent = Parameters<EventDispatcher['dispatchEvent']>[0];
/** What the SDK's listeners are told of a decision. */
export type DecisionPayload = DecisionNotificationPayload;
/** What the SDK's listeners are told of a conversion. */
export type TrackPayload = TrackNotificationPayload;
