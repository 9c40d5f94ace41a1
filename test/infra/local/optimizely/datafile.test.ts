import {
  type Client,
  createInstance,
  createStaticProjectConfigManager,
  OptimizelyDecideOption,
} from '@optimizely/optimizely-sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseDatafile } from '../../../../core/datafile/datafile.ts';
import { toSdkKey } from '../../../../core/ids.ts';
import {
  type DatafileJson,
  datafileBytes,
  generateDatafile,
} from '../../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../../infra/local/optimizely/flip-flag.ts';

const USERS = Array.from({ length: 200 }, (_, i) => ({
  id: `user-${i}`,
  // Attributes that put some users into each audience.
  attributes: {
    country: ['DE', 'SE', 'US', 'JP', 'BR'][i % 5] as string,
    age: 15 + (i % 60),
    plan: 'harbour',
  },
}));

async function clientOf(datafile: DatafileJson): Promise<Client> {
  const client = createInstance({
    projectConfigManager: createStaticProjectConfigManager({ datafile: datafileBytes(datafile).toString() }),
  });
  await client.onReady({ timeout: 1_000 });
  onTestFinished(() => void client.close());
  return client;
}

function decideAll(client: Client, flagKey: string) {
  return USERS.map(({ id, attributes }) => {
    const decision = client
      .createUserContext(id, attributes)
      .decide(flagKey, [OptimizelyDecideOption.DISABLE_DECISION_EVENT]);
    return { enabled: decision.enabled, ruleKey: decision.ruleKey };
  });
}

describe('a generated datafile', () => {
  it('a generated datafile has about 240 KB with its default of 100 flags', () => {
    const bytes = datafileBytes(generateDatafile()).byteLength;
    expect(bytes).toBeGreaterThan(235_000);
    expect(bytes).toBeLessThan(255_000);
  });

  it('a generated datafile is the same for the same seed and another for another', () => {
    const [a, b] = [
      datafileBytes(generateDatafile({ seed: 7 })),
      datafileBytes(generateDatafile({ seed: 7 })),
    ];
    expect(a.equals(b)).toBe(true);
    expect(a.equals(datafileBytes(generateDatafile({ seed: 8 })))).toBe(false);
  });

  it('a generated datafile is accepted by our own parser with its identity', () => {
    const body = datafileBytes(generateDatafile({ flags: 3, revision: 41, sdkKey: 'abc', projectId: '77' }));
    expect(parseDatafile(body, { sdkKey: toSdkKey('abc'), projectId: '77' })).toMatchObject({
      revision: 41,
      environment: 'production',
    });
  });

  it('a generated datafile is decided on by the SDK: experiments and targeted rules catch some users, the last rule the rest', async () => {
    const client = await clientOf(generateDatafile({ flags: 5 }));
    const decisions = decideAll(client, 'flag_1');
    const rules = new Set(decisions.map(({ ruleKey }) => ruleKey?.replace(/-.*/, '')));
    expect(rules).toEqual(new Set(['flag_1_test', 'flag_1_targeted', 'default']));
    expect(client.createUserContext('u').decide('flag_1').variables).toEqual({
      show_badge: expect.any(Boolean),
      items_per_page: expect.any(Number),
      discount: expect.any(Number),
      headline: expect.any(String),
    });
  });
});

describe('flipping a flag', () => {
  it('turns its decision round for every user and leaves every other flag alone', async () => {
    const before = generateDatafile({ flags: 3, revision: 9 });
    const after = flipFlag(before, 'flag_2');
    expect(after.revision).toBe('10');
    const [old, fresh] = [await clientOf(before), await clientOf(after)];
    const turned = decideAll(old, 'flag_2').map(({ enabled, ...rest }) => ({ enabled: !enabled, ...rest }));
    expect(decideAll(fresh, 'flag_2')).toEqual(turned);
    expect(decideAll(fresh, 'flag_1')).toEqual(decideAll(old, 'flag_1'));
  });

  it('done twice differs from the start in the revision only, and never changes its argument', () => {
    const start = generateDatafile({ flags: 2 });
    const copy = structuredClone(start);
    const twice = flipFlag(flipFlag(start, 'flag_1'), 'flag_1');
    expect(start).toEqual(copy);
    expect({ ...twice, revision: start.revision }).toEqual(start);
  });

  it('refuses a flag that is not there', () => {
    expect(() => flipFlag(generateDatafile({ flags: 1 }), 'flag_9')).toThrow(
      'The datafile has no flag flag_9',
    );
  });
});
