// One flag, decided for /v1/activate by the same call as for /v1/decide. Its answer looks otherwise, listeners are told of a
// feature with its variables, and a user who is in no variation leaves no impression.

import { isFailed } from '../../decisions/cmab/failed.ts';
import type { DecideOptions, Decision } from '../../decisions/flags/decision.ts';
import { inContext } from '../../decisions/request-context.ts';
import {
  type DecidedFeature,
  featureNotification,
  type Notification,
} from '../../notifications/notification.ts';
import { type Activation, type Activator, type Refused, userOf } from './activator.ts';

const WITH_EVENT: DecideOptions = [];
const QUIET = ['DISABLE_DECISION_EVENT'] as unknown as DecideOptions;

/** What a listener is told of a decision comes from the SDK in these words. */
type FlagInfo = Pick<Decision, 'enabled' | 'ruleKey' | 'variationKey' | 'variables'>;

type Activated = Activation | Refused;

export function activateFeature(activator: Activator, featureKey: string): Activated | Promise<Activated> {
  const { client, project, userId, isQuiet } = activator;
  if (!project.flags.has(featureKey)) {
    const none = { userId, experimentKey: '', featureKey, variationKey: '' };
    return { ...none, type: '', enabled: false, error: 'featureKey not found' };
  }
  const options = isQuiet ? QUIET : WITH_EVENT;
  const context = {
    decisionNotification: (payload: { readonly decisionInfo: unknown }): Notification =>
      noteOf(activator, featureKey, payload.decisionInfo as FlagInfo),
    sendsEmptyImpressions: false,
  };
  const { predicted } = client;
  if (!predicted?.rules.byFlag.has(featureKey))
    return activation(
      activator,
      featureKey,
      inContext(context, () => userOf(activator).decide(featureKey, options)),
    );
  return inContext(context, () =>
    predicted.cmab.traced(() => userOf(activator).decideAsync(featureKey, options)),
  ).then(({ value }) => activation(activator, featureKey, value));
}

function activation(activator: Activator, featureKey: string, decision: Decision): Activated {
  const { client, project, userId } = activator;
  const { ruleKey, variationKey, enabled } = decision;
  let { variables } = decision;
  if (isFailed(decision)) {
    variables = project.defaultVariables(featureKey);
    client.tell(noteOf(activator, featureKey, { enabled, ruleKey, variationKey, variables }, ''));
  }
  const invalid = client.invalidVariables?.reasonsOf(decision) ?? [];
  if (invalid.length > 0) return { refusal: invalid.join(' ') };
  const source = sourceOf(activator, featureKey, ruleKey);
  // Of a rollout the original names neither rule nor variation.
  const isNamed = variationKey !== null && source !== 'rollout';
  return {
    ...{ userId, experimentKey: isNamed ? (ruleKey ?? '') : '', featureKey },
    ...{ variationKey: isNamed ? variationKey : '', type: 'feature' },
    ...(Object.keys(variables).length > 0 ? { variables } : {}),
    enabled,
  };
}

function noteOf(
  activator: Activator,
  featureKey: string,
  { enabled, ruleKey, variationKey, variables }: FlagInfo,
  source: DecidedFeature['source'] = sourceOf(activator, featureKey, ruleKey),
): Notification {
  return featureNotification(activator.userId, activator.ownAttributes, {
    ...{ featureKey, featureEnabled: enabled, source },
    ...{ ruleKey: ruleKey ?? '', variationKey: variationKey ?? '', variableValues: variables },
  });
}

function sourceOf(
  { client, project }: Activator,
  featureKey: string,
  ruleKey: string | null,
): 'feature-test' | 'holdout' | 'rollout' {
  if (ruleKey === null) return 'rollout';
  if (project.flags.get(featureKey)?.has(ruleKey)) return 'feature-test';
  return client.holdouts.has(ruleKey) ? 'holdout' : 'rollout';
}
