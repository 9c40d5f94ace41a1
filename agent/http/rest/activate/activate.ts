// POST /v1/activate: decisions by experiment and by flag, the way of the original before /v1/decide. What is wanted, and how
// it is answered; each decision is made in activate-experiment.ts or activate-feature.ts.

import type { UserLimits } from '../../../config/front-door-types.ts';
import type { Held } from '../../../datafiles/store.ts';
import { UserDecisions } from '../../../decisions/decide.ts';
import type { FlagClient } from '../../../decisions/flag-client.ts';
import { forSdk } from '../../../decisions/flags/sdk-user.ts';
import { type Bounds, keysProblem, userProblem } from '../../door/user-limits.ts';
import type { FlagHandler } from '../../door/with-datafile.ts';
import { forUser, type ProfileDeps } from '../../door/with-profiles.ts';
import type { Exchange } from '../../kernel/exchange.ts';
import type { Turns } from '../../kernel/turns.ts';
import { wasLeftOut } from '../../openapi/schema.ts';
import { MALFORMED, readBody } from '../../openapi/schema-body.ts';
import { ACTIVATE_BODY } from '../../openapi/schema-routes.ts';
import { type ProjectKeys, projectKeys } from '../../project/project-keys.ts';
import { answer, NO_USER, refuse } from '../answer.ts';
import { activateExperiment } from './activate-experiment.ts';
import { activateFeature, contextOf } from './activate-feature.ts';
import type { Activated, Activation, Activator, Attributes } from './activator.ts';

type Kind = 'experiment' | 'feature';
type Wanted = ReadonlyMap<string, Kind>;

interface ActivateRequest {
  readonly userId: string;
  readonly userAttributes: Attributes;
  readonly wanted: Wanted;
}

export const activateHandler = (bounds: Bounds, profiles: ProfileDeps | null = null): FlagHandler =>
  forUser(
    profiles,
    (exchange, held) => {
      const request = read(exchange, bounds.limits, held);
      if (typeof request !== 'string') return request;
      refuse(exchange, 400, request);
      return null;
    },
    (exchange, held, request) => activate(bounds.turns, exchange, held, request),
  );

/** The text of the 400 where there is no request to decide. */
function read(exchange: Exchange, limits: UserLimits, held: Held<FlagClient>): ActivateRequest | string {
  const body = readBody(ACTIVATE_BODY, exchange.body);
  if (body === null) return MALFORMED;
  const { userId, userAttributes } = body;
  if (userId === '') return NO_USER;
  const problem =
    userProblem(userId, userAttributes, limits) ??
    keysProblem([...exchange.query('experimentKey'), ...exchange.query('featureKey')], limits);
  if (problem !== null) return problem;
  const wanted = wantedKeys(exchange, projectKeys(held));
  return typeof wanted === 'string' ? wanted : { userId, userAttributes, wanted };
}

function activate(
  turns: Turns,
  exchange: Exchange,
  held: Held<FlagClient>,
  request: ActivateRequest,
): void | Promise<void> {
  const client = held.built;
  const { wanted } = request;
  const isQuiet = exchange.query('disableTracking')[0] === 'true';
  const activator = activatorOf(client, projectKeys(held), request, isQuiet);
  return client.use(() => {
    // The answer, or the events, hold the user once for each decision.
    exchange.hold(exchange.body.byteLength * wanted.size);
    if (needsPrediction(client, wanted))
      return inTurn(turns, activator, wanted).then((made) => respond(exchange, made));
    const made: Activated[] = [];
    // Nothing that is wanted has to be waited for.
    const all = turns.each(wanted, ([key, kind]) => {
      made.push(decide(activator, key, kind) as Activated);
      return !exchange.isGone;
    });
    return all === undefined ? respond(exchange, made) : all.then(() => respond(exchange, made));
  });
}

function activatorOf(
  client: FlagClient,
  project: ProjectKeys,
  { userId, userAttributes }: ActivateRequest,
  isQuiet: boolean,
): Activator {
  const ownAttributes = wasLeftOut(userAttributes) ? null : userAttributes;
  const decideOptions = isQuiet ? (['DISABLE_DECISION_EVENT'] as const) : [];
  const request = { userId, userAttributes, decideOptions, forcedDecisions: [] };
  const context = contextOf({ client, project, userId, ownAttributes });
  return {
    client,
    project,
    userId,
    attributes: forSdk(userAttributes),
    ownAttributes,
    isQuiet,
    decisions: new UserDecisions(client, request, { context }),
  };
}

const decide = (activator: Activator, key: string, kind: Kind): Activated | Promise<Activated> =>
  kind === 'experiment' ? activateExperiment(activator, key) : activateFeature(activator, key);

/** One after the other: each keeps its variation in the profile that the one before has left. */
async function inTurn(turns: Turns, activator: Activator, wanted: Wanted): Promise<readonly Activated[]> {
  const made: Activated[] = [];
  for (const [key, kind] of wanted) {
    if (turns.isOver) await turns.next();
    made.push(await decide(activator, key, kind));
  }
  return made;
}

function needsPrediction({ predicted }: FlagClient, wanted: Wanted): boolean {
  if (predicted === null) return false;
  const { byFlag, byKey } = predicted.rules;
  return [...wanted].some(([key, kind]) => (kind === 'experiment' ? byKey.has(key) : byFlag.has(key)));
}

function respond(exchange: Exchange, activated: readonly Activated[]): void {
  const decisions: Activation[] = [];
  for (const one of activated) {
    if ('refusal' in one) {
      refuse(exchange, 400, one.refusal);
      return;
    }
    decisions.push(one);
  }
  const [enabled] = exchange.query('enabled');
  const isWanted = ({ enabled: is }: Activation) =>
    enabled === 'true' ? is : enabled === 'false' ? !is : true;
  answer(exchange, 200, decisions.filter(isWanted));
}

/** By key, as in the original: of an experiment and a flag of the same name only the flag is answered. */
function wantedKeys(exchange: Exchange, project: ProjectKeys): Wanted | string {
  const wanted = new Map<string, Kind>();
  for (const type of exchange.query('type')) {
    if (type !== 'experiment' && type !== 'feature') return `type ${JSON.stringify(type)} not supported`;
    const keys = type === 'experiment' ? project.experiments.keys() : project.flags.keys();
    for (const key of keys) wanted.set(key, type);
  }
  for (const key of exchange.query('experimentKey')) wanted.set(key, 'experiment');
  for (const key of exchange.query('featureKey')) wanted.set(key, 'feature');
  return wanted;
}
