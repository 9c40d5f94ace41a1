// The engine must never show: what decide answers, and which events it sends, is what the SDK alone would.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Held } from '../../../../agent/datafiles/store.ts';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import type { FlagClient } from '../../../../agent/decisions/flag-client.ts';
import { flagDecision } from '../../../../agent/decisions/flags/decision.ts';
import { DECIDE_OPTIONS } from '../../../../agent/decisions/flags/request.ts';
import { sdkUser } from '../../../../agent/decisions/flags/sdk-user.ts';
import type { SdkDecideOptions, SdkDecision } from '../../../../agent/decisions/sdk-types.ts';
import { decideHandler } from '../../../../agent/http/decide/decide.ts';
import { knownUser, withReasons } from '../../../../agent/http/decide/reasons.ts';
import { parseDecideRequest } from '../../../../agent/http/decide/request.ts';
import type { Exchange } from '../../../../agent/http/kernel/exchange.ts';
import { sha256Of, toSdkKey } from '../../../../core/ids.ts';
import { generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import { LIMITS, ROOMY, unhurried } from '../../support/bounds.ts';

const FLAGS = 12;
const RECORDED = 'test/fixtures/agent-api/datafile.json';

let events = 0;
const mistrusted: string[] = [];
const clients = new FlagClients({
  dispatcher: {
    dispatchEvent: async () => {
      events++;
      return {};
    },
  },
  send: () => {
    events++;
  },
  onCloseFailed: () => {},
  onMistrusted: (_, flagKey) => mistrusted.push(flagKey),
});
afterEach(() => expect(mistrusted).toEqual([]));

async function heldOf(body: Buffer): Promise<Held<FlagClient>> {
  const sdkKey = toSdkKey((JSON.parse(body.toString()) as { sdkKey: string }).sdkKey);
  const { built } = await clients.build(body, sha256Of(body), { sdkKey });
  return { built, body } as unknown as Held<FlagClient>;
}

function ask(held: Held<FlagClient>, body: object, keys: readonly string[]): string {
  let answered = '';
  const exchange = {
    body: Buffer.from(JSON.stringify(body)),
    ...ROOMY,
    query: () => keys,
    jsonReady: (_: number, text: string) => {
      answered = text;
    },
    error: (status: number, text: string) => {
      answered = `${status} ${text}`;
    },
  };
  void decideHandler(unhurried())(exchange as unknown as Exchange, held);
  return answered;
}

/** The same without anything kept, straight from the SDK, but for the words of its reasons. */
function expected(held: Held<FlagClient>, body: object, keys: readonly string[]): string {
  const request = parseDecideRequest(Buffer.from(JSON.stringify(body)), LIMITS);
  if (typeof request === 'string') return `400 ${request}`;
  const user = sdkUser(held.built.sdk, request, null);
  const options = [...request.decideOptions, 'DISABLE_DECISION_EVENT'] as unknown as SdkDecideOptions;
  const known = knownUser(held, request);
  const plain = (decision: SdkDecision) => {
    const { reasons } = withReasons(held, request, flagDecision(decision, held.built), known);
    const { variationKey, enabled, ruleKey, flagKey, variables } = decision;
    return {
      variationKey: variationKey ?? '',
      enabled,
      ruleKey: ruleKey ?? '',
      flagKey,
      userContext: { userId: request.userId, attributes: request.userAttributes },
      reasons,
      variables: Object.keys(variables).length === 0 ? undefined : variables,
      isEveryoneElseVariation: held.built.isEveryoneElse(flagKey, ruleKey),
    };
  };
  const [only] = keys;
  if (only === undefined) return JSON.stringify(Object.values(user.decideAll(options)).map(plain));
  if (keys.length === 1) return JSON.stringify(plain(user.decide(only, options)));
  // A flag that is named twice is decided once: the SDK, asked twice, finds its own first decision kept at the second.
  const decisions = Object.values(user.decideForKeys([...new Set(keys)], options));
  // Where only flags that are on are wanted, the SDK lists those that it could not decide all the same.
  const isShort = request.decideOptions.includes('ENABLED_FLAGS_ONLY');
  return JSON.stringify(decisions.filter(({ enabled }) => enabled || !isShort).map(plain));
}

/** A list has no order that clients could go by. */
function inOrder(answer: string): unknown {
  const value: unknown = answer.startsWith('400') ? answer : JSON.parse(answer);
  return Array.isArray(value) ? value.map((one) => JSON.stringify(one)).sort() : value;
}

describe.each([
  ['a generated project', () => Buffer.from(JSON.stringify(generateDatafile({ flags: FLAGS })))],
  ['the recorded project', () => readFileSync(RECORDED)],
])('decisions of %s', (_, read) => {
  let held: Held<FlagClient>;
  let flagKeys: readonly string[];
  beforeAll(async () => {
    const body = read();
    held = await heldOf(body);
    const { featureFlags } = JSON.parse(body.toString()) as { featureFlags: { key: string }[] };
    flagKeys = featureFlags.map(({ key }) => key);
  });
  afterAll(async () => {
    clients.retire(held.built);
    await clients.closed();
  });

  it('are those of the SDK, for any user, option and flag, first or again', () => {
    const attributes = fc.record(
      {
        country: fc.constantFrom('DE', 'SE', 'US', 'JP', 'BR', 'FR'),
        age: fc.integer({ min: 10, max: 80 }),
        plan: fc.constantFrom('copper', 'granite "and" ž', 'x'),
      },
      { requiredKeys: [] },
    );
    // Of a rule that has no such variation, the SDK takes that of the flag's other rules.
    const forced = fc
      .record({
        flagKey: fc.nat(20).map((n) => flagKeys[n % flagKeys.length] as string),
        rule: fc.constantFrom('', '_test', '_targeted'),
        variationKey: fc.constantFrom('on', 'off', 'variation_0', 'nope'),
      })
      .map(({ flagKey, rule, variationKey }) => ({
        ...{ flagKey, variationKey, ruleKey: rule === '' ? '' : flagKey + rule },
      }));
    const body = fc.record(
      {
        userId: fc.oneof(fc.string({ minLength: 1 }), fc.integer({ min: 0, max: 500 }).map(String)),
        userAttributes: attributes,
        decideOptions: fc.subarray([...DECIDE_OPTIONS]),
        forcedDecisions: fc.array(forced, { maxLength: 1 }),
      },
      { requiredKeys: ['userId'] },
    );
    const keys = fc.array(
      fc.oneof(
        fc.nat(20).map((n) => flagKeys[n % flagKeys.length] as string),
        fc.constant('no such flag'),
      ),
      { maxLength: 3 },
    );
    fc.assert(
      fc.property(body, keys, (asked, about) => {
        const wanted = expected(held, asked, about);
        expect(inOrder(ask(held, asked, about))).toEqual(inOrder(wanted));
        expect(inOrder(ask(held, asked, about))).toEqual(inOrder(wanted));
      }),
      { numRuns: 300 },
    );
  });

  it('send one event each, also when a variation is new', async () => {
    const fresh = await heldOf(read());
    const before = events;
    const { length } = JSON.parse(ask(fresh, { userId: 'u' }, [])) as unknown[];
    const first = events - before;
    ask(fresh, { userId: 'u' }, []);
    expect(length).toBe(flagKeys.length);
    expect(first).toBeGreaterThan(0);
    expect(events - before).toBe(2 * first);
    clients.retire(fresh.built);
  });

  it('tell their listeners the variables', () => {
    const heard: unknown[] = [];
    const flagKey = flagKeys[0] as string;
    const stop = held.built.listen(({ text }) => heard.push(JSON.parse(text).DecisionInfo.variables));
    const answer = () => JSON.parse(ask(held, { userId: 'u' }, [flagKey])) as { variables?: object };
    const { variables } = answer();
    stop();
    answer();
    expect(held.built.isHeard).toBe(false);
    expect(heard).toEqual([variables ?? {}]);
  });
});

it('a forced decision does not lend its variables to those of the rule that it names', async () => {
  const held = await heldOf(Buffer.from(JSON.stringify(generateDatafile({ flags: FLAGS }))));
  const countries = ['DE', 'SE', 'US', 'JP', 'BR'];
  const flags = Array.from({ length: FLAGS }, (_, i) => `flag_${i + 1}`);
  let tried = 0;
  for (const country of countries) {
    for (const flagKey of flags) {
      const own = { userId: 'u', userAttributes: { country, age: 80 } };
      const ruleKey = `${flagKey}_targeted`;
      if (!expected(held, own, [flagKey]).includes(ruleKey)) continue;
      const forced = { userId: 'u', forcedDecisions: [{ flagKey, ruleKey, variationKey: 'on' }] };
      expect(ask(held, forced, [flagKey])).toBe(expected(held, forced, [flagKey]));
      expect(ask(held, own, [flagKey])).toBe(expected(held, own, [flagKey]));
      tried++;
    }
  }
  expect(tried).toBeGreaterThan(0);
  clients.retire(held.built);
});

it('no request builds a client of the SDK but one that wants reasons', async () => {
  const held = await heldOf(Buffer.from(JSON.stringify(generateDatafile({ flags: FLAGS }))));
  const forcedDecisions = [{ flagKey: 'flag_1', ruleKey: '', variationKey: 'on' }];
  for (const option of DECIDE_OPTIONS.filter((one) => one !== 'INCLUDE_REASONS'))
    for (const keys of [[], ['flag_1'], ['flag_1', 'flag_2', 'gone']])
      ask(held, { userId: 'u', decideOptions: [option], forcedDecisions }, keys);
  expect(held.built.isSdkBuilt).toBe(false);
  ask(held, { userId: 'u', decideOptions: ['INCLUDE_REASONS'] }, ['flag_1']);
  expect(held.built.isSdkBuilt).toBe(true);
  clients.retire(held.built);
});
