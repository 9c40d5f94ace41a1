// POST /v1/activate: decisions by experiment and by flag, the way of the original before /v1/decide. Flags are decided by
// the same call as there; what differs is how the answer looks.

import type { SdkClient } from '../clients.ts';
import type { FlagClient, Predicted } from '../flag-client.ts';
import type { Held } from '../store.ts';
import { type Decided, decideFlags, flagOf, lateFlags } from './activate-late.ts';
import { answer, malformed, NO_USER, refuse } from './answer.ts';
import type { Exchange } from './exchange.ts';
import { type ProjectKeys, projectKeys } from './project-keys.ts';
import { readBody } from './schema-body.ts';
import { ACTIVATE_BODY } from './schema-routes.ts';
import { forSdk, userProblem } from './user-check.ts';

type UserContext = ReturnType<SdkClient['createUserContext']>;
type Options = NonNullable<Parameters<UserContext['decide']>[1]>;
type Attributes = Parameters<SdkClient['activate']>[2];

interface Activation {
  readonly userId: string;
  readonly experimentKey: string;
  readonly featureKey: string;
  readonly variationKey: string;
  readonly type: 'experiment' | 'feature' | '';
  readonly variables?: object;
  readonly enabled: boolean;
  readonly error?: string;
}

interface Activator {
  readonly sdk: SdkClient;
  readonly project: ProjectKeys;
  readonly predicted: Predicted | null;
  /** Flags that had to be decided beforehand. */
  readonly decided: Decided;
  readonly userId: string;
  readonly attributes: Attributes;
  /** True keeps impressions from being sent. */
  readonly isQuiet: boolean;
}

type Wanted = ReadonlyMap<string, 'experiment' | 'feature'>;
const NONE_DECIDED: Decided = new Map();

export function activate(exchange: Exchange, held: Held<FlagClient>): void | Promise<void> {
  const body = readBody(ACTIVATE_BODY, exchange.body);
  if (body === null) return malformed(exchange);
  if (body.userId === '') return refuse(exchange, 400, NO_USER);
  const problem = userProblem(body.userId, body.userAttributes);
  if (problem !== null) return refuse(exchange, 400, problem);
  const project = projectKeys(held);
  const wanted = wantedKeys(exchange, project);
  if (typeof wanted === 'string') return refuse(exchange, 400, wanted);
  const { predicted } = held.built;
  const activator: Activator = {
    ...{ sdk: held.built.acquire(), project, predicted, decided: NONE_DECIDED },
    ...{ userId: body.userId, attributes: forSdk(body.userAttributes) as Attributes },
    isQuiet: exchange.query('disableTracking')[0] === 'true',
  };
  const late = lateFlags(predicted, wanted);
  if (predicted !== null && late.size > 0)
    return decideFlags(userOf(activator), predicted, late, optionsOf(activator))
      .then((decided) => respond(exchange, { ...activator, decided }, wanted))
      .finally(() => held.built.release());
  try {
    respond(exchange, activator, wanted);
  } finally {
    held.built.release();
  }
}

const userOf = ({ sdk, userId, attributes }: Activator): UserContext =>
  sdk.createUserContext(userId, attributes);

const optionsOf = ({ isQuiet }: Activator): Options =>
  (isQuiet ? ['DISABLE_DECISION_EVENT'] : []) as unknown as Options;

function respond(exchange: Exchange, activator: Activator, wanted: Wanted): void {
  const decisions = [...wanted].map(([key, kind]) =>
    kind === 'experiment' ? activateExperiment(activator, key) : activateFlag(activator, key),
  );
  const [enabled] = exchange.query('enabled');
  const isWanted = ({ enabled: is }: Activation) =>
    enabled === 'true' ? is : enabled === 'false' ? !is : true;
  answer(exchange, 200, decisions.filter(isWanted));
}

/** By key, as in the original: of an experiment and a flag of the same name only the flag is answered. */
function wantedKeys(exchange: Exchange, project: ProjectKeys): Wanted | string {
  const wanted = new Map<string, 'experiment' | 'feature'>();
  for (const type of exchange.query('type')) {
    if (type !== 'experiment' && type !== 'feature') return `type ${JSON.stringify(type)} not supported`;
    const keys = type === 'experiment' ? project.experiments.keys() : project.flags.keys();
    for (const key of keys) wanted.set(key, type);
  }
  for (const key of exchange.query('experimentKey')) wanted.set(key, 'experiment');
  for (const key of exchange.query('featureKey')) wanted.set(key, 'feature');
  return wanted;
}

function activateExperiment(activator: Activator, experimentKey: string): Activation {
  const { sdk, project, predicted, decided, userId, attributes, isQuiet } = activator;
  const none = { userId, experimentKey, featureKey: '', variationKey: '', enabled: false } as const;
  if (!project.experiments.has(experimentKey)) return { ...none, type: '', error: 'experimentKey not found' };
  const flag = decided.get(flagOf(predicted, experimentKey) ?? '');
  if (flag !== undefined) {
    // Where another rule decided, the user is in no variation of this one.
    const predictedKey = flag.ruleKey === experimentKey ? (flag.variationKey ?? '') : '';
    return { ...none, variationKey: predictedKey, type: 'experiment', enabled: predictedKey !== '' };
  }
  const variationKey = isQuiet
    ? sdk.getVariation(experimentKey, userId, attributes)
    : sdk.activate(experimentKey, userId, attributes);
  return { ...none, variationKey: variationKey ?? '', type: 'experiment', enabled: Boolean(variationKey) };
}

function activateFlag(activator: Activator, featureKey: string): Activation {
  const { project, decided, userId } = activator;
  const experiments = project.flags.get(featureKey);
  const none = { userId, experimentKey: '', featureKey, variationKey: '' } as const;
  if (experiments === undefined) return { ...none, type: '', enabled: false, error: 'featureKey not found' };
  const { ruleKey, variationKey, enabled, variables } =
    decided.get(featureKey) ?? userOf(activator).decide(featureKey, optionsOf(activator));
  // Of a rollout the original names neither rule nor variation.
  const isExperiment = ruleKey !== null && experiments.has(ruleKey);
  return {
    ...none,
    ...(isExperiment ? { experimentKey: ruleKey, variationKey: variationKey ?? '' } : {}),
    type: 'feature',
    ...(Object.keys(variables).length > 0 ? { variables } : {}),
    enabled,
  };
}
