// One experiment whose variation is predicted, decided by itself: /v1/activate asks for it by its key. The SDK's own activate
// cannot wait for a prediction, and its decideAsync decides the whole flag, of which another rule may come first. So this
// reaches into the SDK (6.6.1) for the step that decides one rule, and for the impression of it.

import type { DecisionPayload, SdkClient } from '../sdk-types.ts';

type UserContext = ReturnType<SdkClient['createUserContext']>;

interface Experiment {
  readonly key: string;
  readonly variationKeyMap: Readonly<Record<string, object>>;
}

/** As much of what the SDK keeps to itself as is used here. */
interface Inside {
  getProjectConfig(): { readonly experimentIdMap: Readonly<Record<string, Experiment>> };
  readonly decisionService: {
    resolveVariation(
      op: 'async',
      project: object,
      experiment: Experiment,
      user: UserContext,
      options: object,
    ): {
      get(): Promise<{
        readonly error?: boolean;
        readonly result: { readonly variationKey?: string; readonly cmabUuid?: string };
      }>;
    };
  };
  sendImpressionEvent(
    decision: object,
    flagKey: string,
    userId: string,
    enabled: boolean,
    attributes: object,
  ): void;
}

export interface PredictedVariation {
  /** Null where the user is in none. */
  readonly variationKey: string | null;
  /** Whether the prediction failed: then listeners are told nothing. */
  readonly isFailed: boolean;
}

/**
 * Overrides, forced variations, audience and traffic come before the prediction, as everywhere.
 * @param isSent whether an impression is sent of a user who is in a variation
 */
export async function decidePredicted(
  sdk: SdkClient,
  experimentId: string,
  user: UserContext,
  isSent: boolean,
): Promise<PredictedVariation> {
  const inside = sdk as unknown as Inside;
  const project = inside.getProjectConfig();
  const experiment = project.experimentIdMap[experimentId] as Experiment;
  const { error = false, result } = await inside.decisionService
    .resolveVariation('async', project, experiment, user, {})
    .get();
  const { variationKey, cmabUuid } = result;
  const variation = variationKey === undefined ? undefined : experiment.variationKeyMap[variationKey];
  if (error || variation === undefined) return { variationKey: null, isFailed: error };
  const decision = { experiment, variation, decisionSource: 'experiment', cmabUuid };
  if (isSent) inside.sendImpressionEvent(decision, '', user.getUserId(), true, user.getAttributes());
  return { variationKey: variationKey as string, isFailed: false };
}

/** What the SDK would tell its listeners of it. */
export const decisionPayload = (
  type: 'ab-test' | 'feature-test',
  userId: string,
  experimentKey: string,
  variationKey: string | null,
): DecisionPayload =>
  ({ type, userId, attributes: {}, decisionInfo: { experimentKey, variationKey } }) as DecisionPayload;
