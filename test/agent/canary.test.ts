import { describe, expect, it } from 'vitest';
import { CANARY_DECISIONS_MAX, sample } from '../../agent/canary.ts';
import { FlagClients } from '../../agent/clients.ts';
import { Decider } from '../../agent/decider/decider.ts';
import type { SourceName } from '../../agent/sources/source.ts';
import { type FanoutError, isFanoutError } from '../../core/errors.ts';
import { type SdkKey, type Seq, sha256Of } from '../../core/ids.ts';
import { datafileBytes, generateDatafile } from '../../infra/local/datafile.ts';

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

  // All of these load: the SDK reads them only when it decides.
  it.each<[string, (it: Project) => void]>([
    [
      'no traffic',
      (it) => {
        for (const rule of deliveries(it)) delete rule.trafficAllocation;
      },
    ],
    [
      'nothing in its traffic',
      (it) => {
        for (const rule of deliveries(it)) rule.trafficAllocation = [null];
      },
    ],
    [
      'no list of experiments',
      (it) => {
        for (const flag of it.featureFlags) flag.experimentIds = null;
      },
    ],
    [
      'a group without traffic',
      (it) => {
        it.groups = [{ id: 'g', policy: 'random', trafficAllocation: null, experiments: it.experiments }];
        it.experiments = [];
      },
    ],
  ])('is refused where a decision throws: %s', async (_, change) => {
    const { build } = setUp();
    const refusal = await refusalOf(build(project(change)));
    expect(refusal).toMatchObject({ code: 'DATAFILE_UNDECIDABLE', retryable: false });
    expect(refusal?.fields.flagKey).toMatch(/^flag_/);
    expect(refusal?.remedy).toContain(refusal?.fields.flagKey);
  });

  it('is not tried where it comes from the own cache: that was done before it was saved', async () => {
    const { build } = setUp();
    const bad = project((it) => {
      for (const flag of it.featureFlags) flag.experimentIds = null;
    });
    expect((await refusalOf(build(bad, 's3')))?.code).toBe('DATAFILE_UNDECIDABLE');
    expect(await refusalOf(build(bad, 'disk'))).toBeNull();
  });

  it('is refused for a rule that only those meet who are in its audience', async () => {
    const { build } = setUp();
    const conditions = ['and', { type: 'custom_attribute', match: 'exact', name: 'plan', value: 'rare' }];
    const refusal = await refusalOf(
      build(
        project((it) => {
          it.typedAudiences = [{ id: 'rare', name: 'Rare', conditions }];
          const rule = { ...(deliveries(it)[0] as Rule), id: 'r', key: 'r', audienceIds: ['rare'] };
          it.rollouts[0]?.experiments.unshift({
            ...rule,
            audienceConditions: ['rare'],
            trafficAllocation: null,
          });
          for (const flag of it.featureFlags) flag.experimentIds = [];
        }),
      ),
    );
    expect(refusal?.code).toBe('DATAFILE_UNDECIDABLE');
  });
});

it('a flag whose group cannot be read is left to the SDK, and does not throw amid a decision', () => {
  const bad = project((it) => {
    it.groups = [{ id: 'g', policy: 'random', trafficAllocation: null, experiments: it.experiments }];
    it.experiments = [];
  });
  for (const { key } of bad.featureFlags) expect(Decider.of(bad)?.flag(String(key))).toBeNull();
});

describe('the sample', () => {
  it('has every flag with every user while there are few', () => {
    const pairs = sample(5, 2, 7).map(([flag, user]) => `${flag} ${user}`);
    expect(new Set(pairs).size).toBe(10);
  });

  it('has as many flags as it may where there are more, others with every version, in the end all', () => {
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

  it('is the same for all agents', () => {
    expect(sample(100, 2, 42)).toEqual(sample(100, 2, 42));
  });

  it('is empty for a project without flags', async () => {
    expect(sample(0, 2, 3)).toEqual([]);
    expect(await refusalOf(setUp().build({ ...project(), featureFlags: [] }))).toBeNull();
  });
});
