// One flag, decided for /v1/activate as for /v1/decide. Its answer looks otherwise, listeners are told of a feature with its
// variables, and a user who is in no variation leaves no impression.

import type { FlagDecision } from '../../../decisions/flags/decision.ts';
import type { RequestContext } from '../../../decisions/request-context.ts';
import {
  type DecidedFeature,
  featureNotification,
  type Notification,
} from '../../../notifications/notification.ts';
import type { Activated, Activator } from './activator.ts';

type Listened = Pick<Activator, 'client' | 'project' | 'userId' | 'ownAttributes'>;
/** The SDK tells its listeners of a decision in these words too. */
type FeatureDecision = Pick<FlagDecision, 'flagKey' | 'enabled' | 'ruleKey' | 'variationKey' | 'variables'>;

/** In which its decisions differ from those of /v1/decide. */
export const contextOf = (listened: Listened): Partial<RequestContext> => ({
  decisionNotification: ({ decisionInfo }) =>
    notificationOf(listened, decisionInfo as unknown as FeatureDecision),
  sendsEmptyImpressions: false,
});

export function activateFeature(activator: Activator, featureKey: string): Activated | Promise<Activated> {
  const { project, userId, decisions } = activator;
  if (!project.flags.has(featureKey)) {
    const none = { userId, experimentKey: '', featureKey, variationKey: '' };
    return { ...none, type: '', enabled: false, error: 'featureKey not found' };
  }
  const decision = decisions.one(featureKey);
  return decision instanceof Promise
    ? decision.then((late) => activation(activator, late))
    : activation(activator, decision);
}

function activation(activator: Activator, decision: FlagDecision): Activated {
  const { client, project, userId } = activator;
  const { flagKey, ruleKey, variationKey, enabled } = decision;
  let { variables } = decision;
  if (decision.isFailed) {
    variables = project.defaultVariables(flagKey);
    client.tell(notificationOf(activator, { ...decision, variables }, ''));
  }
  const invalid = client.invalidVariables?.reasonsOf(decision) ?? [];
  if (invalid.length > 0) return { refusal: invalid.join(' ') };
  // Of a rollout the original names neither rule nor variation.
  const isNamed = variationKey !== null && sourceOf(activator, flagKey, ruleKey) !== 'rollout';
  return {
    userId,
    experimentKey: isNamed ? (ruleKey ?? '') : '',
    featureKey: flagKey,
    variationKey: isNamed ? variationKey : '',
    type: 'feature',
    ...(Object.keys(variables).length > 0 ? { variables } : {}),
    enabled,
  };
}

function notificationOf(
  listened: Listened,
  { flagKey, enabled, ruleKey, variationKey, variables }: FeatureDecision,
  source: DecidedFeature['source'] = sourceOf(listened, flagKey, ruleKey),
): Notification {
  return featureNotification(listened.userId, listened.ownAttributes, {
    featureKey: flagKey,
    featureEnabled: enabled,
    source,
    ruleKey: ruleKey ?? '',
    variationKey: variationKey ?? '',
    variableValues: variables,
  });
}

function sourceOf(
  { client, project }: Listened,
  featureKey: string,
  ruleKey: string | null,
): 'feature-test' | 'holdout' | 'rollout' {
  if (ruleKey === null) return 'rollout';
  if (project.flags.get(featureKey)?.has(ruleKey)) return 'feature-test';
  return client.holdouts.has(ruleKey) ? 'holdout' : 'rollout';
}
