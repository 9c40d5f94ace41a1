// One project and its users, decided by the engine and by the Optimizely SDK: both must give the same answer, send the same
// events and keep the same variations in profiles.

import {
  type Client,
  createForwardingEventProcessor,
  createInstance,
  createStaticProjectConfigManager,
} from '@optimizely/optimizely-sdk/universal';
import { orderFlagVariations } from '../../../agent/decisions/flag-variations.ts';
import { decisionText } from '../../../agent/decisions/flags/decision.ts';
import { InvalidVariables } from '../../../agent/decisions/invalid-variables.ts';
import { KeptVariations } from '../../../agent/decisions/profiles/kept-variations.ts';
import type { BucketMap, UserProfile } from '../../../agent/decisions/profiles/profiles.ts';
import { ProjectTraits, readExperiments, regionOf } from '../../../agent/decisions/project-traits.ts';
import { outgoing } from '../../../agent/events/outgoing.ts';
import { makeLoadable } from '../../../core/datafile/loadable.ts';
import { Engine } from '../../../core/engine/engine.ts';
import { eventText } from '../../../core/engine/said/event-text.ts';
import { User, WHOLE_FLAG } from '../../../core/engine/user.ts';
import type { AnyUser } from './projects.ts';

const SENDER = { name: 'Agent', version: '1.2.3' };
const UUID = /"uuid":"[^"]*"/g;
const TIME = /"timestamp":\d+/g;
const WHO = '{"userId":"u"}';

/** How many decisions were compared, by what they came to. */
export interface Tally {
  compared: number;
  /** Left to the SDK, by the kind of refusal; `variables` for a value that is none of its type. */
  readonly refused: Map<string, number>;
  /** By their source, and `forced`, `kept` and the like for how they came about. */
  readonly reached: Map<string, number>;
}

export const emptyTally = (): Tally => ({ compared: 0, refused: new Map(), reached: new Map() });

type SdkUser = ReturnType<Client['createUserContext']>;
type SdkDecision = ReturnType<SdkUser['decide']>;

/** @throws Error that says what differs */
export function compareAll(datafile: string, users: readonly AnyUser[], tally: Tally): void {
  const sdk = new SdkSide(datafile);
  const parsed = JSON.parse(datafile);
  makeLoadable(parsed);
  const engine = new Engine(parsed, SENDER);
  for (const user of users) {
    sdk.begin(user);
    for (const flagKey of engine.flagKeys) compare(engine, sdk, user, flagKey, tally);
    sdk.end(user);
  }
}

function compare(engine: Engine, sdk: SdkSide, user: AnyUser, flagKey: string, tally: Tally): void {
  const own = engineUser(engine, user);
  const decided = engine.decide(flagKey, own);
  if (decided === null) {
    count(tally.refused, engine.refusal(flagKey)?.kind ?? 'variables');
    return;
  }
  const { said, outcome } = decided;
  const visitor = engine.visitor(own);
  const byEngine = {
    answer: decisionText(said.decision, WHO, true),
    short: decisionText(said.decision, WHO, false),
    events: said.events.map((pieces) => `${pieces.url} ${pieces.head} ${eventText(pieces, visitor, 0, '')}`),
    saved:
      own.toKeep === null ? null : sorted({ ...bucketMap(user.profile ?? {}), ...bucketMap(own.toKeep) }),
  };
  const bySdk = sdk.decide(user, flagKey);
  tally.compared++;
  count(tally.reached, outcome.variation === null ? 'nothing' : outcome.source);
  if (outcome.heldOut !== null) count(tally.reached, 'beside a holdout');
  if (own.toKeep !== null) count(tally.reached, 'kept');
  if (outcome.rule === null && outcome.variation !== null) count(tally.reached, 'forced');
  const [engineText, sdkText] = [JSON.stringify(plain(byEngine)), JSON.stringify(bySdk)];
  if (engineText !== sdkText)
    throw new Error(`flag ${flagKey} for ${JSON.stringify(user)}\nengine: ${engineText}\nSDK:    ${sdkText}`);
}

const plain = (side: ReturnType<SdkSide['decide']>) => ({
  ...side,
  events: side.events.map((event) => event.replaceAll(UUID, '"uuid"').replaceAll(TIME, '"timestamp"')),
});

function engineUser(engine: Engine, user: AnyUser): User {
  const forced = new Map<string, Map<string, string>>();
  for (const { flagKey, ruleKey, variationKey } of user.forced) {
    const rules = forced.get(flagKey) ?? new Map<string, string>();
    forced.set(flagKey, rules.set(ruleKey || WHOLE_FLAG, variationKey));
  }
  const overrides = new Map<string, string>();
  for (const [experimentKey, variationKey] of Object.entries(user.overrides)) {
    const ids = variationKey === '' ? null : engine.overrideIds(experimentKey, variationKey);
    if (ids?.variationId) overrides.set(ids.experimentId, ids.variationId);
  }
  const { profile } = user;
  return new User(user.userId, user.userAttributes, {
    segments: user.segments,
    forced: forced.size === 0 ? null : forced,
    overrides,
    profile: profile === null ? null : bucketMap(profile),
  });
}

/** The SDK as the agent has it, with what the agent corrects. */
class SdkSide {
  readonly #client: Client;
  readonly #isEveryoneElse: (flagKey: string, ruleKey: string | null) => boolean;
  #events: string[] = [];
  #saved: UserProfile | null = null;
  #profile: UserProfile | null = null;

  constructor(datafile: string) {
    let parsed: unknown = null;
    const kept = new KeptVariations(
      {
        lookup: (userId) => this.#profile ?? { user_id: userId, experiment_bucket_map: {} },
        save: (profile) => {
          this.#saved = profile;
        },
      },
      () => readExperiments(parsed),
    );
    this.#client = createInstance({
      projectConfigManager: createStaticProjectConfigManager({
        datafile,
        jsonSchemaValidator: (given) => {
          makeLoadable(given as Record<string, unknown>);
          InvalidVariables.of(given);
          parsed = given;
          return true;
        },
      }),
      eventProcessor: createForwardingEventProcessor(
        outgoing(
          {
            dispatchEvent: async ({ url, params }) => {
              const { visitors, ...head } = params as unknown as { visitors: unknown[] };
              for (const visitor of visitors)
                this.#events.push(`${url} ${JSON.stringify(head)} ${JSON.stringify(visitor)}`);
              return {};
            },
          },
          () => regionOf(parsed),
        ),
      ),
      userProfileService: kept,
      clientEngine: SENDER.name,
      clientVersion: SENDER.version,
      requestHandler: {
        makeRequest: () => ({ responsePromise: Promise.reject(new Error()), abort: () => {} }),
      },
    });
    orderFlagVariations(this.#client);
    const { everyoneElse } = new ProjectTraits(parsed);
    this.#isEveryoneElse = (flagKey, ruleKey) =>
      ruleKey !== null && everyoneElse.get(flagKey)?.has(ruleKey) === true;
  }

  /** Forces what a tester has forced on the user. */
  begin({ userId, overrides }: AnyUser): void {
    for (const [experimentKey, variationKey] of Object.entries(overrides))
      this.#client.setForcedVariation(experimentKey, userId, variationKey);
  }

  end({ userId, overrides }: AnyUser): void {
    for (const experimentKey of Object.keys(overrides))
      this.#client.setForcedVariation(experimentKey, userId, null);
  }

  decide(user: AnyUser, flagKey: string) {
    const { userId, profile } = user;
    this.#events = [];
    this.#saved = null;
    this.#profile = profile === null ? null : { user_id: userId, experiment_bucket_map: bucketMap(profile) };
    const context = this.#client.createUserContext(userId, user.userAttributes as Record<string, string>);
    for (const { flagKey: forced, ruleKey, variationKey } of user.forced)
      context.setForcedDecision(ruleKey === '' ? { flagKey: forced } : { flagKey: forced, ruleKey }, {
        variationKey,
      });
    if (user.segments !== null) context.qualifiedSegments = [...user.segments];
    const options = profile === null ? (['IGNORE_USER_PROFILE_SERVICE'] as never) : [];
    const decision = context.decide(flagKey, options);
    return {
      answer: this.#text(decision, true),
      short: this.#text(decision, false),
      events: this.#events.map((event) => event.replaceAll(UUID, '"uuid"').replaceAll(TIME, '"timestamp"')),
      saved: this.#savedMap(),
    };
  }

  #savedMap(): readonly string[] | null {
    return this.#saved === null ? null : sorted(this.#saved.experiment_bucket_map);
  }

  /** As /v1/decide answers. */
  #text({ variationKey, enabled, ruleKey, flagKey, variables }: SdkDecision, hasVariables: boolean): string {
    return JSON.stringify({
      variationKey: variationKey ?? '',
      enabled,
      ruleKey: ruleKey ?? '',
      flagKey,
      userContext: JSON.parse(WHO),
      reasons: [],
      variables: hasVariables && Object.keys(variables).length > 0 ? variables : undefined,
      isEveryoneElseVariation: this.#isEveryoneElse(flagKey, ruleKey),
    });
  }
}

function bucketMap(kept: Readonly<Record<string, string>> | ReadonlyMap<string, string>): BucketMap {
  const entries = kept instanceof Map ? [...kept] : Object.entries(kept);
  return Object.fromEntries(entries.map(([id, variation_id]) => [id, { variation_id }]));
}

const sorted = (map: BucketMap): readonly string[] =>
  Object.entries(map)
    .map(([id, { variation_id }]) => `${id} ${variation_id}`)
    .sort();

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
