// Decisions that take long: others have their turn in between, and the answer is the one of a single turn, of a single datafile.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Held } from '../../../../agent/datafiles/store.ts';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import type { FlagClient } from '../../../../agent/decisions/flag-client.ts';
import { decideHandler } from '../../../../agent/http/decide/decide.ts';
import type { Bounds } from '../../../../agent/http/door/user-limits.ts';
import type { Exchange } from '../../../../agent/http/kernel/exchange.ts';
import { TURN_MS, Turns } from '../../../../agent/http/kernel/turns.ts';
import { evaluateAll } from '../../../../agent/http/ofrep/decide.ts';
import { activateHandler } from '../../../../agent/http/rest/activate/activate.ts';
import { sha256Of } from '../../../../core/ids.ts';
import { datafileBytes, generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import { LIMITS, ROOMY, unhurried } from '../../support/bounds.ts';
import { KEY } from '../../support/fakes.ts';

const FLAGS = 100;
const body = datafileBytes(generateDatafile({ flags: FLAGS, sdkKey: KEY }));
const clients = new FlagClients({
  dispatcher: { dispatchEvent: async () => ({}) },
  send: () => {},
  onCloseFailed: () => {},
});
let client: FlagClient;
let held: Held<FlagClient>;
beforeAll(async () => {
  client = (await clients.build(body, sha256Of(body), { sdkKey: KEY })).built;
  held = {
    built: client,
    body,
    sdkKey: KEY,
    revision: 1,
    seq: 1,
    lineage: 'l',
  } as unknown as Held<FlagClient>;
});
afterAll(async () => {
  await clients.closed();
});

/** Each look at the time finds it half a turn later. */
function hurried(): Bounds {
  let nowMs = 0;
  return { limits: LIMITS, turns: new Turns(() => (nowMs += TURN_MS / 2)) };
}

async function ask(
  handler: typeof decideHandler,
  bounds: Bounds,
  asked: object,
  query: Readonly<Record<string, readonly string[]>>,
) {
  let answer = '';
  const exchange = {
    ...ROOMY,
    body: Buffer.from(JSON.stringify(asked)),
    query: (name: string) => query[name] ?? [],
    jsonReady: (_: number, text: string) => {
      answer = text;
    },
    text: (_: number, text: string) => {
      answer = text;
    },
    error: (status: number, text: string) => {
      answer = `${status} ${text}`;
    },
  };
  const done = handler(bounds)(exchange as unknown as Exchange, held);
  const isLate = done instanceof Promise;
  let turnsOfOthers = 0;
  const others = () => {
    if (answer !== '') return;
    turnsOfOthers++;
    setImmediate(others);
  };
  setImmediate(others);
  await done;
  return { answer, isLate, turnsOfOthers };
}

const CASES = [
  ['all flags', decideHandler, {}, {}],
  ['all flags with reasons', decideHandler, { decideOptions: ['INCLUDE_REASONS'] }, {}],
  ['those that are on', decideHandler, { decideOptions: ['INCLUDE_REASONS', 'ENABLED_FLAGS_ONLY'] }, {}],
  [
    'flags by key, of which some are not there or twice',
    decideHandler,
    { decideOptions: ['INCLUDE_REASONS'] },
    { keys: ['flag_9', '7', 'flag_1', 'none', 'flag_9', '__proto__', 'flag_2', 'flag_3', 'flag_4'] },
  ],
  ['flags and experiments to activate', activateHandler, {}, { type: ['feature', 'experiment'] }],
] as const;

/** OFREP answers a flag under several keys. */
const flagsOf = (evaluations: readonly { readonly key: string }[]): number =>
  new Set(evaluations.map(({ key }) => key.split('.')[0])).size;

describe('decisions that take long', () => {
  it.each(CASES)(
    'decisions that take long, of %s, are those of one turn, and others have theirs',
    async (_, handler, more, query) => {
      const asked = { userId: 'u', userAttributes: { plan: 'gold' }, ...more };
      const wanted = await ask(handler, unhurried(), asked, query);
      expect([wanted.isLate, wanted.answer.slice(0, 1)]).toEqual([false, '[']);
      const found = await ask(handler, hurried(), asked, query);
      expect(found.answer).toBe(wanted.answer);
      expect(found.isLate).toBe(true);
      expect(found.turnsOfOthers).toBeGreaterThan(0);
    },
  );

  it('decisions that take long, of all flags by OFREP, are those of one turn', async () => {
    const context = { userId: 'u', attributes: { plan: 'gold' } };
    const wanted = evaluateAll(held, context, { turns: unhurried().turns, asker: ROOMY });
    const found = evaluateAll(held, context, { turns: hurried().turns, asker: ROOMY });
    expect(found).toBeInstanceOf(Promise);
    expect(flagsOf(await wanted)).toBe(FLAGS);
    expect(await found).toEqual(wanted);
  });

  it('decisions that take long are made of the datafile that they began with, which closes when they have ended', async () => {
    const built = (await clients.build(body, sha256Of(body), { sdkKey: KEY })).built;
    let isClosed = false;
    const { close } = built.sdk;
    built.sdk.close = () => {
      isClosed = true;
      return close.call(built.sdk);
    };
    const found = evaluateAll(
      { ...held, built },
      { userId: 'u', attributes: {} },
      { turns: hurried().turns, asker: ROOMY },
    );
    built.retire();
    await Promise.resolve();
    expect(isClosed).toBe(false);
    expect(flagsOf(await found)).toBe(FLAGS);
    await clients.closed();
    expect(isClosed).toBe(true);
  });
});
