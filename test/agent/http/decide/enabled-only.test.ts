// ENABLED_FLAGS_ONLY: a flag that is not on is left out of a list, for any reason.

import { describe, expect, it } from 'vitest';
import { flag, predictedRule, rule, variation } from '../../../support/project-builder.ts';
import { startProject } from '../../support/project.ts';

const PARTS = {
  experiments: [
    rule('21', 'test', [variation('31', 'on')]),
    predictedRule('22', 'predicted', [variation('32', 'on')]),
  ],
  featureFlags: [flag('1', 'on', ['21']), flag('2', 'off'), flag('3', 'failing', ['22'])],
};

describe.each([
  ['an answer of the engine', []],
  ['an answer of the SDK', ['INCLUDE_REASONS']],
])('%s', (_, more) => {
  const decideOptions = ['ENABLED_FLAGS_ONLY', ...more];
  const ask = async (keys: readonly string[]) => {
    const { post } = await startProject(PARTS);
    const query = keys.map((key) => `keys=${key}`).join('&');
    const { json } = await post(`/v1/decide?${query}`, { userId: 'ann', decideOptions });
    return Array.isArray(json) ? json.map(({ flagKey }: { flagKey: string }) => flagKey) : json;
  };

  it.each([
    [['on', 'off', 'unknown'], ['on']],
    [['off', 'unknown', 'toString'], []],
    [['on', 'failing', 'unknown', 'toString'], ['on']],
    [[], ['on']],
  ])('to %j lists %j', async (keys, listed) => {
    expect(await ask(keys)).toEqual(listed);
  });

  it.each(['off', 'unknown', 'failing', 'toString'])('says of a single flag what it is: %s', async (key) => {
    expect(await ask([key])).toMatchObject({ flagKey: key, enabled: false });
  });
});
