// One experiment, decided by itself for /v1/activate: the flags that it is a rule of and holdouts do not count.

import { decidePredicted, decisionPayload } from '../../../decisions/cmab/predicted-experiment.ts';
import { inContext } from '../../../decisions/request-context.ts';
import type { SdkAttributes } from '../../../decisions/sdk-types.ts';
import { decisionNotification } from '../../../notifications/notification.ts';
import type { Activation, Activator } from './activator.ts';

export function activateExperiment(
  activator: Activator,
  experimentKey: string,
): Activation | Promise<Activation> {
  const { client, project, userId } = activator;
  const none = { userId, experimentKey, featureKey: '', variationKey: '', enabled: false } as const;
  if (!project.experiments.has(experimentKey)) return { ...none, type: '', error: 'experimentKey not found' };
  const activation = (variationKey: string | null): Activation => ({
    ...none,
    variationKey: variationKey ?? '',
    type: 'experiment',
    enabled: Boolean(variationKey),
  });
  const predictedId = client.predicted?.rules.byKey.get(experimentKey);
  return predictedId === undefined
    ? activation(decideBucketed(activator, experimentKey))
    : decideByPrediction(activator, experimentKey, predictedId).then(activation);
}

function decideBucketed(activator: Activator, experimentKey: string): string | null {
  const { client, userId, ownAttributes, isQuiet } = activator;
  const { sdk } = client;
  const attributes = activator.attributes as SdkAttributes;
  return inContext(
    { decisionNotification: (payload) => decisionNotification(payload, { attributes: ownAttributes }) },
    () =>
      isQuiet
        ? sdk.getVariation(experimentKey, userId, attributes)
        : sdk.activate(experimentKey, userId, attributes),
  );
}

async function decideByPrediction(
  activator: Activator,
  experimentKey: string,
  experimentId: string,
): Promise<string | null> {
  const { client, project, userId, ownAttributes: attributes, isQuiet } = activator;
  const user = client.sdk.createUserContext(userId, activator.attributes as SdkAttributes);
  const { variationKey, isFailed } = await decidePredicted(client.sdk, experimentId, user, !isQuiet);
  if (isFailed) return null;
  const isOfFlag = [...project.flags.values()].some((experiments) => experiments.has(experimentKey));
  const type = isOfFlag ? 'feature-test' : 'ab-test';
  client.tell(
    decisionNotification(decisionPayload(type, userId, experimentKey, variationKey), { attributes }),
  );
  return variationKey;
}
