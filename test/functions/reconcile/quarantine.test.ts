// A version that agents refuse is not announced again, by no function, until the next one.

import { describe, expect, it } from 'vitest';
import { FleetReports } from '../../../core/bus/fleet-reports.ts';
import {
  encodeReport,
  type KeyReport,
  QUARANTINE_DEFAULT,
  REPORT_WINDOW_MS,
} from '../../../core/bus/refusal-reports.ts';
import type { Seq } from '../../../core/ids.ts';
import { isQuarantined, type Manifest } from '../../../core/record/manifest.ts';
import { decodeManifest, encodeManifest } from '../../../core/record/manifest-codec.ts';
import { createBridge } from '../../../functions/bridge/bridge.ts';
import { announceFast } from '../../../functions/publish/announce-fast.ts';
import { announcePatiently } from '../../../functions/publish/announce-patiently.ts';
import { Quarantine } from '../../../functions/reconcile/quarantine.ts';
import { reconcileKeys } from '../../../functions/reconcile/reconcile-keys.ts';
import { datafileOf, failure, KEY } from '../../support/datafiles.ts';
import { eventually } from '../../support/eventually.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';
import { projectsOf } from '../../support/functions/webhooks.ts';

type Said = (head: Manifest) => KeyReport;
const serves: Said = ({ lineage, seq }) => ({ lineage, seq, quarantined: null });
const refuses: Said = ({ lineage, seq }) => ({
  ...{ lineage, seq: (seq - 1) as Seq },
  quarantined: { seq, code: 'DATAFILE_UNDECIDABLE' },
});

interface Fleet {
  said: Said[];
  error: Error | null;
  listening: number;
  garbage: number;
}

function setUp(role: 'home' | 'bus-only' = 'home') {
  const fleet: Fleet = { said: [], error: null, listening: 0, garbage: 0 };
  const deps: FakeDeps & { hearAgents: NonNullable<FakeDeps['hearAgents']> } = {
    ...fakeDeps(),
    hearAgents: async () => {
      fleet.listening++;
      return () => {
        fleet.listening--;
        const head = deps.record.headOf() as Manifest;
        const payloads = fleet.said.map((say, i) =>
          encodeReport({ agent: `agent-${i}`, keys: new Map([[KEY, say(head)]]) }),
        );
        const garbage = Array.from({ length: fleet.garbage }, () => new TextEncoder().encode('{"schema":1}'));
        const heard = new FleetReports();
        for (const payload of [...garbage, ...payloads]) heard.add(payload);
        return { reports: heard.reports, isCutShort: heard.isCutShort, error: fleet.error };
      };
    },
  };
  deps.cdn.serve(datafileOf(1));
  const quarantine = new Quarantine(QUARANTINE_DEFAULT);
  const run = async () => {
    let isOver = false;
    const beats = deps.bus.beats.length;
    const running = reconcileKeys(deps, { projects: projectsOf(KEY), role, quarantine }).finally(() => {
      isOver = true;
    });
    running.catch(() => {});
    // Compressing takes threads, and so as long as the machine is busy.
    await eventually(
      'the beat is sent',
      () => isOver || (deps.bus.beats.length > beats && deps.clock.waitingCount > 0),
    );
    deps.clock.advance(REPORT_WINDOW_MS);
    await running;
  };
  const head = () => deps.record.headOf() as Manifest;
  return { deps, fleet, run, head };
}

/** The first version is stored and announced, and time has passed; from now on the fleet speaks. */
async function withVersion(said: readonly Said[]) {
  const all = setUp();
  await all.run();
  all.deps.clock.advance(60_000);
  all.fleet.said = [...said];
  return all;
}

describe('a version that agents refuse', () => {
  it('a version that agents refuse is marked when a share of them does; its seq stays', async () => {
    const { deps, run, head } = await withVersion([refuses, refuses, serves]);
    await run();
    expect(head()).toMatchObject({ seq: 1, quarantine: { seq: 1, agents: 3, code: 'DATAFILE_UNDECIDABLE' } });
    expect(isQuarantined(head())).toBe(true);
    expect(deps.lines).toContainEqual(
      expect.objectContaining({ event: 'version.quarantined', level: 'error', seq: 1, isMarked: true }),
    );
  });

  it.each<[string, readonly Said[]]>([
    ['a smaller share', [refuses, serves, serves]],
    ['a single agent', [refuses]],
    ['no agent', [serves, serves]],
  ])('a version that agents refuse is not marked for %s', async (_, said) => {
    const { deps, run, head } = await withVersion(said);
    await run();
    expect(isQuarantined(head())).toBe(false);
    expect(deps.counts.get('VersionQuarantined')).toBeUndefined();
  });

  it('a version that agents refuse is counted with every run while it lasts, for the alarm, and named in no beat', async () => {
    const { deps, run } = await withVersion([refuses, refuses]);
    for (let i = 0; i < 3; i++) await run();
    expect(deps.counts.get('VersionQuarantined')).toBe(3);
    expect(deps.bus.beats.map(({ heads }) => heads.size)).toEqual([1, 1, 0, 0]);
  });

  it('a refused version is not announced again by webhook, bridge or reconcile, on an empty bus', async () => {
    const { deps, run, head } = await withVersion([refuses, refuses]);
    await run();
    deps.bus.heads.clear();
    deps.bus.published.length = 0;
    await run();
    expect(await announceFast(deps, head())).toBe('quarantined');
    expect(await announcePatiently(deps, head())).toBe('quarantined');
    const notice = { schema: 1, kind: 'published', sdkKey: KEY, seq: 1, revision: 1, changeId: 'c' };
    await createBridge(deps)([JSON.stringify(notice)]);
    expect(deps.bus.published).toEqual([]);
    expect(deps.counts.get('BusBehind')).toBeUndefined();
  });

  it('gives way to the next one, which is announced as always and starts without the mark', async () => {
    const { deps, fleet, run, head } = await withVersion([refuses, refuses]);
    await run();
    fleet.said = [serves, serves];
    deps.cdn.serve(datafileOf(2));
    deps.clock.advance(60_000);
    await run();
    expect(head()).toMatchObject({ seq: 2, revision: 2 });
    expect(head()).not.toHaveProperty('quarantine');
    expect(deps.bus.seqOf()).toBe(2);
  });

  it('a version that agents refuse is not marked by a further region, which says what it hears', async () => {
    const home = await withVersion([refuses, refuses]);
    const { record } = home.deps;
    const away = setUp('bus-only');
    Object.assign(away.deps, { record });
    away.fleet.said = [refuses, refuses];
    away.deps.clock.advance(60_000);
    await away.run();
    expect(isQuarantined(home.head())).toBe(false);
    expect(away.deps.counts.get('VersionQuarantined')).toBe(1);
    expect(away.deps.lines).toContainEqual(
      expect.objectContaining({ event: 'version.quarantined', isMarked: false }),
    );
  });

  it('a version that agents refuse is not marked when the manifest has moved on meanwhile', async () => {
    const { deps, run, head } = await withVersion([refuses, refuses]);
    const { readManifest } = deps.record;
    let reads = 0;
    deps.record.readManifest = async (sdkKey) => {
      const found = await readManifest.call(deps.record, sdkKey);
      // The last read of the run is the one before the swap.
      if (++reads < 3 || found === null) return found;
      return { ...found, manifest: { ...found.manifest, seq: 2 as Seq } };
    };
    await run();
    expect(isQuarantined(head())).toBe(false);
  });

  it('a version that agents refuse is marked with the next beat when the record could not be written', async () => {
    const { deps, run, head } = await withVersion([refuses, refuses]);
    const { swapManifest } = deps.record;
    deps.record.swapManifest = async () => {
      throw failure('RECORD_UNAVAILABLE');
    };
    await run();
    expect(isQuarantined(head())).toBe(false);
    deps.record.swapManifest = swapManifest.bind(deps.record);
    await run();
    expect(isQuarantined(head())).toBe(true);
  });
});

describe('hearing agents', () => {
  it('reconcile does not wait for agents while every version is too new for them to have judged it', async () => {
    const { deps, fleet, run } = setUp();
    fleet.said = [refuses, refuses];
    await run();
    expect(deps.bus.beats.map(({ askShare }) => askShare)).toEqual([undefined]);
    deps.clock.advance(60_000);
    await run();
    expect(deps.bus.beats.map(({ askShare }) => askShare)).toEqual([undefined, 1]);
  });

  it('ends with the run, also where the beat cannot be sent', async () => {
    const { deps, fleet, run } = await withVersion([serves, serves]);
    deps.bus.sendBeat = async () => {
      throw failure('BUS_UNAVAILABLE');
    };
    await expect(run()).rejects.toMatchObject({ code: 'BUS_UNAVAILABLE' });
    expect(fleet.listening).toBe(0);
  });

  it('is done without where the server does not allow it yet: that is said, and all else goes on', async () => {
    const { deps, fleet, run } = await withVersion([]);
    fleet.error = new Error('Permissions Violation');
    await run();
    expect(deps.lines).toContainEqual(
      expect.objectContaining({ event: 'beat.sent', level: 'warn', result: 'agents-not-heard' }),
    );
  });

  it('skips what is no report', async () => {
    const { fleet, run, head } = await withVersion([refuses, refuses]);
    fleet.garbage = 2_100;
    await run();
    expect(head().quarantine?.agents).toBe(2);
  });
});

describe('a mark', () => {
  it('survives the manifest’s encoding, and a manifest without one is as it was', async () => {
    const { run, head } = await withVersion([refuses, refuses]);
    expect(decodeManifest(encodeManifest(head()), KEY)).toEqual(head());
    await run();
    expect(decodeManifest(encodeManifest(head()), KEY).quarantine).toEqual(head().quarantine);
    // A program that kept the field by mistake would not hold up the next version.
    expect(isQuarantined({ ...head(), seq: 2 as Seq })).toBe(false);
    const broken = { ...head(), quarantine: { seq: 'x' } } as unknown as Manifest;
    expect(() => decodeManifest(encodeManifest(broken), KEY)).toThrow('quarantine');
  });
});
