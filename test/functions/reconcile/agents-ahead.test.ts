// Agents that serve a version which the record never assigned come back. A report does not move a record that is in step.

import { describe, expect, it } from 'vitest';
import type { AgentReport } from '../../../core/bus/refusal-reports.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId, Lineage, Seq } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { moveManifest } from '../../../functions/publish/move-manifest.ts';
import { archive } from '../../../functions/publish/publish-datafile.ts';
import { bringAgentsBack, RENEWAL_INTERVAL_MIN_MS } from '../../../functions/reconcile/agents-ahead.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

const CHANGE = { changeId: 'run' as ChangeId, receivedAtMs: 1 };

async function move(deps: FakeDeps, revision: number): Promise<Manifest> {
  const datafile = parseDatafile(datafileOf(revision), { sdkKey: KEY });
  await archive(deps, datafile);
  const times = { receivedAtMs: 1, publishedAtMs: 1, cdn: { etag: null, lastModifiedMs: null } };
  const arrival = { cause: 'webhook', changeId: `c${revision}` as ChangeId, ...times } as const;
  return (await moveManifest(deps, await deps.record.readManifest(KEY), datafile, arrival)).manifest;
}

const saying = (lineage: Lineage, seq: number): AgentReport => ({
  agent: `agent-${seq}`,
  keys: new Map([[KEY, { lineage, seq: seq as Seq, quarantined: null }]]),
});

/** Two agents that say the same. */
const twice = (report: AgentReport): AgentReport[] => [report, { ...report, agent: `${report.agent}-b` }];

describe('what agents say they serve', () => {
  it('is beyond the record: a new lineage brings them back, and is announced', async () => {
    const deps = fakeDeps();
    const head = await move(deps, 1);
    const reports = [1, 8, 9].map((seq) => saying(head.lineage, seq));
    await bringAgentsBack(deps, CHANGE, { manifests: [head], reports });
    const now = deps.record.headOf();
    expect(now).toMatchObject({ revision: 1, cause: 'restore', changeId: 'run' });
    expect(now?.lineage).not.toBe(head.lineage);
    expect((await deps.bus.readHead(KEY))?.head?.lineage).toBe(now?.lineage);
    expect(deps.counts.get('LineageRenewed')).toBe(1);
  });

  it('was beyond it when it was read, and a webhook has moved it since', async () => {
    const deps = fakeDeps();
    const head = await move(deps, 1);
    await move(deps, 2);
    await bringAgentsBack(deps, CHANGE, { manifests: [head], reports: twice(saying(head.lineage, 2)) });
    expect(deps.record.headOf()).toMatchObject({ lineage: head.lineage, seq: 2 });
  });

  it('is of another lineage, and says nothing about this one', async () => {
    const deps = fakeDeps();
    const head = await move(deps, 1);
    await bringAgentsBack(deps, CHANGE, {
      manifests: [head],
      reports: [8, 9].map((seq) => saying('other' as Lineage, seq)),
    });
    expect(deps.record.headOf()).toEqual(head);
  });

  it('moves no record that is signed, and is told', async () => {
    const deps = fakeDeps();
    const head = await move(deps, 1);
    const signer = { sign: async (manifest: Manifest) => manifest, isCurrent: async () => true };
    await bringAgentsBack({ ...deps, signer }, CHANGE, {
      manifests: [head],
      reports: twice(saying(head.lineage, 8)),
    });
    expect(deps.record.headOf()).toEqual(head);
    expect(deps.lines).toContainEqual(expect.objectContaining({ found: 'agents-ahead', aheadSeq: 8 }));
  });

  it('is not believed of one agent alone, and that is told', async () => {
    const deps = fakeDeps();
    const head = await move(deps, 1);
    await bringAgentsBack(deps, CHANGE, {
      manifests: [head],
      reports: [saying(head.lineage, Number.MAX_SAFE_INTEGER)],
    });
    expect(deps.record.headOf()).toEqual(head);
    expect(deps.lines).toContainEqual(
      expect.objectContaining({ found: 'agents-ahead', result: 'not-believed', agents: 1 }),
    );
  });

  it('renews no lineage that was renewed a moment ago, and pushes no version out of the history', async () => {
    const deps = fakeDeps();
    deps.clock.advance(60_000);
    for (let revision = 1; revision <= 3; revision++) await move(deps, revision);
    const lineages = new Set<Lineage>();
    for (let minute = 0; minute < 60; minute++) {
      const head = deps.record.headOf() as Manifest;
      lineages.add(head.lineage);
      await bringAgentsBack(deps, CHANGE, {
        manifests: [head],
        reports: twice(saying(head.lineage, Number.MAX_SAFE_INTEGER)),
      });
      deps.clock.advance(60_000);
    }
    expect(lineages.size).toBeLessThanOrEqual(1 + 60 / (RENEWAL_INTERVAL_MIN_MS / 60_000));
    expect(lineages.size).toBeGreaterThan(2);
    const history = deps.record.headOf()?.history.map(({ revision, cause }) => `${cause} ${revision}`);
    expect(history).toEqual(['restore 3', 'webhook 3', 'webhook 2', 'webhook 1']);
  });
});
