// When the decider and the SDK do not agree: the SDK's word holds, for this decision and all after it.

import { afterEach, expect, it, vi } from 'vitest';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import { UserDecisions } from '../../../../agent/decisions/decide.ts';
import { CompiledFlag } from '../../../../agent/decisions/decider/flag.ts';
import { Outcome } from '../../../../agent/decisions/decider/outcome.ts';
import type { FlagDecision } from '../../../../agent/decisions/flags/decision.ts';
import { FastPath } from '../../../../agent/decisions/flags/fast-path.ts';
import { parseDecideRequest } from '../../../../agent/http/decide/request.ts';
import { sha256Of } from '../../../../core/ids.ts';
import { LIMITS } from '../../support/bounds.ts';
import { datafileBody, KEY } from '../../support/fakes.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

async function setUp() {
  const mistrusted: string[] = [];
  const clients = new FlagClients({
    dispatcher: { dispatchEvent: async () => ({}) },
    send: () => {},
    onCloseFailed: () => {},
    onMistrusted: (sdkKey, flagKey) => mistrusted.push(`${sdkKey} ${flagKey}`),
  });
  const body = datafileBody(7, { on: true });
  const { built } = await clients.build(body, sha256Of(body), { sdkKey: KEY });
  const request = parseDecideRequest(Buffer.from('{"userId":"u"}'), LIMITS);
  if (typeof request === 'string') throw new Error(request);
  const ask = () => new UserDecisions(built, request).one('flag_1') as FlagDecision;
  const fastPath = () =>
    FastPath.for({
      client: built,
      request,
      sendsEmptyImpressions: true,
      askSdk: (flagKey) => built.sdk.createUserContext('u').decide(flagKey),
    });
  return { client: built, ask, fastPath, mistrusted };
}

it("a flag is left to the SDK when the decider's outcome is another", async () => {
  const { client, ask, mistrusted } = await setUp();
  const wrong = vi
    .spyOn(CompiledFlag.prototype, 'decide')
    .mockReturnValue(new Outcome('no such rule', 'off'));
  expect(ask().enabled).toBe(true);
  expect(mistrusted).toEqual([`${KEY} flag_1`]);
  expect(ask().enabled).toBe(true);
  expect(wrong).toHaveBeenCalledTimes(1);
  expect(client.decider?.flag('flag_1')).toBeNull();
});

it('users with a forced variation, and listeners, are left to the SDK', async () => {
  const { client, ask, fastPath } = await setUp();
  const other = await setUp();
  const decided = vi.spyOn(CompiledFlag.prototype, 'decide');
  client.setForcedVariation('any', 'u', null);
  expect(fastPath()).toBeNull();
  expect(ask().enabled).toBe(true);
  const stop = other.client.listen(() => {});
  expect(other.fastPath()).toBeNull();
  expect(other.ask().enabled).toBe(true);
  stop();
  expect(decided).not.toHaveBeenCalled();
  expect(other.ask().enabled).toBe(true);
});
