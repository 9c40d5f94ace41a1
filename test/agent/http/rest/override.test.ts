// POST /v1/override and /v1/reset: forced variations belong to the SDK key, not to a revision.

import { describe, expect, it } from 'vitest';
import { type RecordedAgent, startRecorded, WITH_PROFILES } from '../recorded-agent.ts';

const EXPERIMENT = 'exp_5';
/** alice has variation_0 by herself. */
const force = (agent: RecordedAgent, variationKey: string, userId = 'alice') =>
  agent.post('/v1/override', { userId, experimentKey: EXPERIMENT, variationKey });
const decided = async (agent: RecordedAgent, userId = 'alice'): Promise<string> =>
  (await agent.post('/v1/decide?keys=flag_5', { userId })).json.variationKey;

describe('an override', () => {
  it('holds for decisions of either kind, and outlives the datafile it was made with', async () => {
    const agent = await startRecorded();
    expect(await decided(agent)).toBe('variation_0');
    await force(agent, 'variation_1');
    expect(await decided(agent)).toBe('variation_1');
    await agent.publish();
    expect(await decided(agent)).toBe('variation_1');
    const { json } = await agent.post('/v1/activate?experimentKey=exp_5', { userId: 'alice' });
    expect(json[0].variationKey).toBe('variation_1');
    await force(agent, '');
    expect(await decided(agent)).toBe('variation_0');
    await agent.publish();
    expect(await decided(agent)).toBe('variation_0');
  });

  it('an override of a variation that the project only gets later holds from then on', async () => {
    const agent = await startRecorded();
    const variations = (keys: readonly string[]) => ({ experiments: withVariationKeys(agent, keys) });
    await force(agent, 'later');
    expect(await decided(agent)).toBe('variation_0');
    await agent.publish(variations(['variation_0', 'later']));
    expect(await decided(agent)).toBe('later');
  });

  it('says the same as the original, to the letter', async () => {
    const agent = await startRecorded();
    const text = async (variationKey: string) => (await force(agent, variationKey)).text;
    const head = '{"userId":"alice","experimentKey":"exp_5",';
    expect(await text('')).toBe(
      `${head}"variationKey":"","prevVariationKey":"","messages":["no pre-existing override"]}\n`,
    );
    expect(await text('variation_1')).toBe(
      `${head}"variationKey":"variation_1","prevVariationKey":"","messages":null}\n`,
    );
    expect(await text('variation_1')).toBe(
      `${head}"variationKey":"variation_1","prevVariationKey":"variation_1","messages":["updating previous override"]}\n`,
    );
    expect((await agent.post('/v1/override', { userId: '' })).text).toBe(
      '{"error":"userId cannot be empty"}\n',
    );
  });

  it('an override is refused where overrides are not enabled', async () => {
    const agent = await startRecorded({ env: { OPTIMIZELY_API_ENABLEOVERRIDES: 'false' } });
    expect(await force(agent, 'variation_1')).toMatchObject({
      ...{ status: 403, text: 'Overrides not enabled\n', contentType: 'text/plain; charset=utf-8' },
    });
    expect(await decided(agent)).toBe('variation_0');
  });
});

describe('a reset', () => {
  it('forgets overrides and profiles, needs no body, and keeps the datafile', async () => {
    const agent = await startRecorded({ settings: WITH_PROFILES });
    await force(agent, 'variation_1');
    const experimentBucketMap = { '10000000085': { variation_id: '10000000088' } };
    await agent.post('/v1/save', { userId: 'bob', experimentBucketMap });
    const reset = await fetch(`${agent.api}/v1/reset`, {
      method: 'POST',
      headers: { 'x-optimizely-sdk-key': 'KZbunNn9bVfBWLpZPq2XC4' },
    });
    expect([reset.status, await reset.text()]).toEqual([200, '{"result":true}\n']);
    expect(await decided(agent)).toBe('variation_0');
    const { json } = await agent.post('/v1/lookup', { userId: 'bob' });
    expect(json).toEqual({ userId: 'bob', experimentBucketMap: {} });
    // And not for this revision alone.
    await agent.publish();
    expect(await decided(agent)).toBe('variation_0');
  });
});

interface Experiment {
  readonly key: string;
  readonly variations: readonly { readonly key: string }[];
}

/** The project's experiments, with other names for the variations of the one that is tested. */
function withVariationKeys({ record }: RecordedAgent, keys: readonly string[]): readonly Experiment[] {
  const [body] = [...record.bodies.values()];
  const { experiments } = JSON.parse(Buffer.from(body as Uint8Array).toString()) as {
    experiments: readonly Experiment[];
  };
  return experiments.map((experiment) =>
    experiment.key !== EXPERIMENT
      ? experiment
      : {
          ...experiment,
          variations: experiment.variations.map((variation, i) => ({ ...variation, key: keys[i] as string })),
        },
  );
}
