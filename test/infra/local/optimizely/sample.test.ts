// The flags that a newcomer meets first say what they mean: what is on is called on, with the values of on.

import {
  createInstance,
  createStaticProjectConfigManager,
  OptimizelyDecideOption,
} from '@optimizely/optimizely-sdk';
import { expect, it, onTestFinished } from 'vitest';
import { type DatafileJson, datafileBytes } from '../../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../../infra/local/optimizely/flip-flag.ts';
import { SAMPLE_FLAG, sampleDatafile } from '../../../../infra/local/optimizely/sample.ts';

async function decideIn(datafile: DatafileJson, flagKey: string) {
  const client = createInstance({
    projectConfigManager: createStaticProjectConfigManager({ datafile: datafileBytes(datafile).toString() }),
  });
  await client.onReady({ timeout: 1_000 });
  onTestFinished(() => void client.close());
  const decision = client
    .createUserContext('me')
    .decide(flagKey, [OptimizelyDecideOption.DISABLE_DECISION_EVENT]);
  return { key: decision.variationKey, enabled: decision.enabled, variables: decision.variables };
}

it('is off at first and on when it is flipped', async () => {
  const start = sampleDatafile();
  expect(start.featureFlags[0]?.key).toBe(SAMPLE_FLAG);
  const off = { key: 'off', enabled: false, variables: { button_text: 'Buy', steps: 3 } };
  expect(await decideIn(start, SAMPLE_FLAG)).toEqual(off);
  const flipped = flipFlag(start, SAMPLE_FLAG);
  expect(await decideIn(flipped, SAMPLE_FLAG)).toEqual({
    key: 'on',
    enabled: true,
    variables: { button_text: 'Buy now', steps: 1 },
  });
  expect(await decideIn(flipFlag(flipped, SAMPLE_FLAG), SAMPLE_FLAG)).toEqual(off);
});

it('knows flags that are not samples too, and calls them on when they are on', async () => {
  const on = await decideIn(flipFlag(sampleDatafile(), 'flag_1'), 'flag_1');
  expect(on).toMatchObject({ key: 'on', enabled: true });
});
