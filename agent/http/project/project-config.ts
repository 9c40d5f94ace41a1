// The project as the original's SDK describes it (OptimizelyConfig), made of the datafile itself: the SDK here writes
// audiences down anew, leaves fields out where the datafile does, and fails where it names what is not there. Pure.

import { GIVEN_CONDITIONS } from '../../../core/datafile/readable-conditions.ts';
import type { Audience, DatafileJson, Flag, Rule, Variable } from '../../../core/datafile/shape.ts';
import { audiencesText, conditionsText } from './audience-text.ts';

/** Stands for one that only old SDKs look at. */
const DUMMY_AUDIENCE = '$opt_dummy_audience';
const NO_VARIABLE: Variable = { id: '', key: '', type: '', defaultValue: '' };

export type ProjectConfig = ReturnType<typeof projectConfig>;

export function projectConfig(datafile: DatafileJson) {
  const flags = datafile.featureFlags ?? [];
  const rollouts = new Map((datafile.rollouts ?? []).map((rollout) => [rollout.id, rollout]));
  const audiences = audiencesOf(datafile);
  const describe = describer(flags, audiences);
  const experiments = new Map<string, ReturnType<typeof describe>>();
  for (const experiment of [
    ...(datafile.experiments ?? []),
    ...(datafile.groups ?? []).flatMap((group) => group.experiments ?? []),
  ]) {
    const flag = flags.find(({ experimentIds }) => experimentIds?.includes(experiment.id));
    experiments.set(experiment.id, describe(experiment, flag));
  }
  const features = flags.map((flag) => {
    const experimentRules = (flag.experimentIds ?? []).flatMap((id) => experiments.get(id) ?? []);
    const rollout = rollouts.get(flag.rolloutId ?? '');
    return {
      id: flag.id,
      key: flag.key,
      experimentRules,
      deliveryRules: (rollout?.experiments ?? []).map((rule) => describe(rule, flag)),
      variablesMap: byKey((flag.variables ?? []).map((variable) => describeVariable(variable))),
      experimentsMap: byKey(experimentRules),
    };
  });
  return {
    environmentKey: datafile.environmentKey ?? '',
    sdkKey: datafile.sdkKey ?? '',
    revision: datafile.revision,
    experimentsMap: byKey([...experiments.values()]),
    featuresMap: byKey(features),
    attributes: (datafile.attributes ?? []).map(({ id, key }) => ({ id, key })),
    audiences: [...audiences.values()]
      .filter(({ id }) => id !== DUMMY_AUDIENCE)
      .map((audience) => ({
        id: audience.id,
        name: audience.name,
        conditions: conditionsText(
          GIVEN_CONDITIONS in audience ? audience[GIVEN_CONDITIONS] : audience.conditions,
        ),
      })),
    events: (datafile.events ?? []).map(({ id, key, experimentIds }) => ({
      id,
      key,
      experimentIds: experimentIds ?? null,
    })),
  };
}

/** By id, all of them. A typed audience stands before the one of the same id that old SDKs look at. */
export function audiencesOf({ audiences, typedAudiences }: DatafileJson): ReadonlyMap<string, Audience> {
  const byId = new Map<string, Audience>();
  for (const audience of [...(typedAudiences ?? []), ...(audiences ?? [])])
    if (!byId.has(audience.id)) byId.set(audience.id, audience);
  return byId;
}

/** Describes experiments and rules; their variations hold the variables of the flag that they belong to. */
function describer(flags: readonly Flag[], audiences: ReadonlyMap<string, Audience>) {
  const variables = new Map(flags.flatMap((flag) => (flag.variables ?? []).map((it) => [it.id, it])));
  return ({ id, key, audienceConditions, variations }: Rule, flag: Flag | undefined) => {
    const own = (flag?.variables ?? []).map((variable) => describeVariable(variable));
    const described = (variations ?? []).map((variation) => {
      const featureEnabled = variation.featureEnabled === true;
      const set = (variation.variables ?? []).map((usage) => {
        const variable = variables.get(usage.id) ?? NO_VARIABLE;
        return describeVariable({ ...variable, id: usage.id }, featureEnabled ? usage.value : undefined);
      });
      return {
        id: variation.id,
        key: variation.key,
        featureEnabled,
        variablesMap: byKey([...own, ...set]),
      };
    });
    return {
      id,
      key,
      audiences: audiencesText(audienceConditions, audiences),
      variationsMap: byKey(described),
    };
  };
}

function describeVariable(variable: Variable, value: string = variable.defaultValue) {
  const { id, key, type, subType } = variable;
  return { id, key, type: type === 'string' && subType === 'json' ? 'json' : type, value };
}

/** Of equal keys the last one. Without a prototype: a key may be `__proto__`. */
function byKey<T extends { readonly key: string }>(list: readonly T[]): Readonly<Record<string, T>> {
  const map: Record<string, T> = Object.create(null);
  for (const one of list) map[one.key] = one;
  return map;
}
