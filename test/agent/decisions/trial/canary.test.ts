import { describe, expect, it } from 'vitest';
import type { SourceName } from '../../../../agent/datafiles/sources/source.ts';
import { FlagClients } from '../../../../agent/decisions/clients.ts';
import { CANARY_DECISIONS_MAX, sample } from '../../../../agent/decisions/trial/canary.ts';
import { Engine } from '../../../../core/engine/engine.ts';
import { type FanoutError, isFanoutError } from '../../../../core/errors.ts';
import { type SdkKey, type Seq, sha256Of } from '../../../../core/ids.ts';
import { datafileBytes, generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';

interface Rule {
  audienceIds: string[];
  trafficAllocation?: unknown;
  [field: string]: unknown;
}
interface Project {
  sdkKey: SdkKey;
  featureFlags: Record<string, unknown>[];
  experiments: Rule[];
  rollouts: { experiments: Rule[] }[];
  groups: unknown[];
  typedAudiences: unknown[];
}

const project = (change: (it: Project) => void = () => {}, flags = 3): Project => {
  const it = JSON.parse(datafileBytes(generateDatafile({ flags })).toString()) as Project;
  change(it);
  return it;
};
const deliveries = ({ rollouts }: Project): Rule[] => rollouts.flatMap(({ experiments }) => experiments);

/** These flags load and throw at each decision: the SDK takes a name that every object has for an audience that is there. */
const throwing =
  (...flags: number[]) =>
  (it: Project): void => {
    for (const index of flags) {
      for (const rule of it.rollouts[index]?.experiments ?? []) rule.audienceConditions = ['constructor'];
      (it.featureFlags[index] as Record<string, unknown>).experimentIds = [];
    }
  };

function setUp() {
  const sent: unknown[] = [];
  const lookups: string[] = [];
  const clients = new FlagClients({
    dispatcher: {
      dispatchEvent: async (event) => {
        sent.push(event);
        return { statusCode: 200 };
      },
    },
    profiles: {
      lookup: (userId) => {
        lookups.push(userId);
        return { user_id: userId, experiment_bucket_map: {} };
      },
      save: ({ user_id }) => lookups.push(user_id),
    },
    onCloseFailed: () => {},
  });
  const build = (datafile: Project, source: SourceName = 'nats') => {
    const body = Buffer.from(JSON.stringify(datafile));
    return clients.build(body, sha256Of(body), { sdkKey: datafile.sdkKey }, { seq: 1 as Seq, source });
  };
  return { clients, build, sent, lookups };
}

const refusalOf = async (building: Promise<unknown>): Promise<FanoutError | null> =>
  building.then(
    () => null,
    (error) => {
      if (!isFanoutError(error)) throw error;
      return error;
    },
  );

describe('before it serves, a client', () => {
  it('decides every flag for a sample of users, and leaves nothing behind', async () => {
    const { build, sent, lookups } = setUp();
    const { built } = await build(project());
    expect(sent).toEqual([]);
    expect(lookups).toEqual([]);
    built.sdk.createUserContext('somebody')?.decide('flag_1');
    expect(sent).toHaveLength(1);
  });

  it('is refused where decisions on more than half of the flags throw, naming the first', async () => {
    const { build } = setUp();
    const refusal = await refusalOf(build(project(throwing(0, 1))));
    expect(refusal).toMatchObject({ code: 'DATAFILE_UNDECIDABLE', retryable: false });
    expect(refusal?.fields).toMatchObject({ flagKey: 'flag_1', throwing: 2, flags: 3 });
    expect(refusal?.remedy).toContain('flag_1');
  });

  it('sets aside a flag whose decision throws, which then is off, and serves the others', async () => {
    const { build } = setUp();
    const good = (await build(project())).built.sdk.createUserContext('somebody');
    const { built, leftOut } = await build(project(throwing(0)));
    const user = built.sdk.createUserContext('somebody');
    expect(user.decide('flag_1')).toMatchObject({ variationKey: null, enabled: false, ruleKey: null });
    expect(user.decide('flag_1').variables).toMatchObject({ show_badge: expect.any(Boolean) });
    for (const flag of ['flag_2', 'flag_3'])
      expect(user.decide(flag).variationKey).toBe(good.decide(flag).variationKey);
    expect(leftOut).toEqual([
      {
        flagKeys: ['flag_1'],
        what: 'flag "flag_1"',
        why: expect.stringMatching(/^is off: its decision throws/),
      },
    ]);
  });

  it('finds every flag that throws, although it tries only some while none does', async () => {
    const { build } = setUp();
    const flags = 2 * CANARY_DECISIONS_MAX;
    const { built, leftOut } = await build(project(throwing(0, flags - 1), flags));
    expect(leftOut?.flatMap(({ flagKeys }) => flagKeys)).toEqual(['flag_1', `flag_${flags}`]);
    for (const key of ['flag_1', `flag_${flags}`])
      expect(built.sdk.createUserContext('somebody').decide(key).enabled).toBe(false);
  });

  it('is never refused where it comes from the own cache: there would be nothing else to serve', async () => {
    const { build } = setUp();
    expect((await refusalOf(build(project(throwing(0, 1, 2)), 's3')))?.code).toBe('DATAFILE_UNDECIDABLE');
    const { built, leftOut } = await build(project(throwing(0, 1, 2)), 'disk');
    expect(leftOut).toHaveLength(3);
    expect(built.sdk.createUserContext('somebody').decide('flag_2').enabled).toBe(false);
  });

  it('sets a flag aside for a rule that only those meet who are in its audience', async () => {
    const { build } = setUp();
    const conditions = ['and', { type: 'custom_attribute', match: 'exact', name: 'plan', value: 'rare' }];
    const rare = project((it) => {
      it.typedAudiences = [{ id: 'rare', name: 'Rare', conditions }];
      const rule = deliveries(it)[0] as Rule;
      // The first is asked only of those who are in "rare".
      rule.audienceConditions = ['and', 'rare', 'constructor'];
      for (const flag of it.featureFlags) flag.experimentIds = [];
    });
    const { leftOut } = await build(rare);
    expect(leftOut?.map(({ what }) => what)).toEqual(['flag "flag_1"']);
  });

  it('has no user with an attribute that every object has, as the API lets none in', async () => {
    const { build } = setUp();
    const names = ['hasOwnProperty', 'constructor', 'toString', '__proto__'];
    const { built, leftOut } = await build(
      project((it) => {
        const conditions = names.map((name) => ({
          type: 'custom_attribute',
          match: 'exact',
          name,
          value: 'x',
        }));
        it.typedAudiences = [{ id: 'odd', name: 'Odd', conditions: ['or', ...conditions] }];
        for (const rule of deliveries(it)) Object.assign(rule, { audienceConditions: ['or', 'odd'] });
        for (const flag of it.featureFlags) flag.experimentIds = [];
      }),
    );
    expect(leftOut).toEqual([]);
    expect(built.sdk.createUserContext('somebody').decide('flag_1').enabled).toBe(false);
  });
});

it('a flag whose group cannot be read is left to the SDK, and does not throw amid a decision', () => {
  const bad = project((it) => {
    it.groups = [{ id: 'g', policy: 'random', trafficAllocation: null, experiments: it.experiments }];
    it.experiments = [];
  });
  const engine = new Engine(bad, { name: 'Agent', version: '1' });
  for (const { key } of bad.featureFlags) expect(engine.refusal(String(key))?.kind).toBe('odd');
});

describe('the sample', () => {
  it('the sample has every flag with every user while there are few', () => {
    const pairs = sample(5, 2, 7).map(([flag, user]) => `${flag} ${user}`);
    expect(new Set(pairs).size).toBe(10);
  });

  it('the sample has as many flags as it may where there are more, others with every version, in the end all', () => {
    const flags = 150;
    const seen = new Set<number>();
    for (let seq = 1; seq <= 3; seq++) {
      const chosen = sample(flags, 2, seq).map(([flag]) => flag);
      expect(chosen).toHaveLength(CANARY_DECISIONS_MAX);
      expect(new Set(chosen).size).toBe(CANARY_DECISIONS_MAX);
      for (const flag of chosen) seen.add(flag);
    }
    expect(seen.size).toBe(flags);
  });

  it('the sample is the same for all agents', () => {
    expect(sample(100, 2, 42)).toEqual(sample(100, 2, 42));
  });

  it('the sample is empty for a project without flags', async () => {
    expect(sample(0, 2, 3)).toEqual([]);
    expect(await refusalOf(setUp().build({ ...project(), featureFlags: [] }))).toBeNull();
  });
});
