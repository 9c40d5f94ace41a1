// Agents that serve a signed lineage which began by a clock ahead: the record gets one that they take.

import { beforeEach, expect, it } from 'vitest';
import type { AgentReport } from '../../../core/bus/refusal-reports.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import type { ChangeId, Lineage, Seq } from '../../../core/ids.ts';
import { newLineage } from '../../../core/record/lineage.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { isLaterLineage } from '../../../core/version.ts';
import { moveManifest } from '../../../functions/publish/move-manifest.ts';
import { archive } from '../../../functions/publish/publish-datafile.ts';
import { bringAgentsBack, LINEAGE_AHEAD_MAX_MS } from '../../../functions/reconcile/agents-ahead.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

const CHANGE = { changeId: 'run' as ChangeId, receivedAtMs: 1 };
const HOUR_MS = 3_600_000;
const signer = { sign: async (manifest: Manifest) => manifest, isCurrent: async () => true };
let deps: FakeDeps;
let head: Manifest;

beforeEach(async () => {
  deps = { ...fakeDeps(), signer };
  const datafile = parseDatafile(datafileOf(1), { sdkKey: KEY });
  await archive(deps, datafile);
  const times = { receivedAtMs: 1, publishedAtMs: 1, cdn: { etag: null, lastModifiedMs: null } };
  const arrival = { cause: 'webhook', changeId: 'c' as ChangeId, ...times } as const;
  head = (await moveManifest(deps, null, datafile, arrival)).manifest;
});

const bornIn = (ms: number): Lineage => newLineage(deps.clock.nowMs() + ms, 'ahead');
const agentsIn = (lineage: Lineage, count: number): AgentReport[] =>
  Array.from({ length: count }, (_, i) => ({
    agent: `agent-${i}`,
    keys: new Map([[KEY, { lineage, seq: 9 as Seq, quarantined: null }]]),
  }));
const heal = (reports: readonly AgentReport[], also: FakeDeps = deps) =>
  bringAgentsBack(also, CHANGE, { manifests: [deps.record.headOf() as Manifest], reports });

it('begins a lineage after theirs, of the same datafile, and announces it', async () => {
  const theirs = bornIn(HOUR_MS);
  await heal(agentsIn(theirs, 2));
  const now = deps.record.headOf() as Manifest;
  expect(isLaterLineage(now.lineage, theirs)).toBe(true);
  expect(now).toMatchObject({ revision: 1, sha256: head.sha256, cause: 'restore' });
  expect((await deps.bus.readHead(KEY))?.head?.lineage).toBe(now.lineage);
});

it.each<[string, () => readonly AgentReport[]]>([
  ['one agent alone says so', () => agentsIn(bornIn(HOUR_MS), 1)],
  ['their lineage is the record’s', () => agentsIn(head.lineage, 5)],
  ['their lineage is older, and they will follow', () => agentsIn(bornIn(-HOUR_MS), 5)],
  ['their lineage has no time', () => agentsIn('old' as Lineage, 5)],
  [
    'it began further ahead than a clock goes wrong',
    () => agentsIn(bornIn(LINEAGE_AHEAD_MAX_MS + HOUR_MS), 5),
  ],
])('moves nothing where %s', async (_, reports) => {
  await heal(reports());
  expect(deps.record.headOf()).toEqual(head);
});

it('moves nothing where the publisher does not sign: agents take the record’s lineage then', async () => {
  const { signer: _, ...unsigned } = deps;
  await heal(agentsIn(bornIn(HOUR_MS), 5), unsigned as FakeDeps);
  expect(deps.record.headOf()).toEqual(head);
});

it('renews the lineage once in a while at most, with any reports', async () => {
  const lineages = new Set<Lineage>();
  for (let run = 0; run < 5; run++) {
    await heal(agentsIn(bornIn(HOUR_MS * (run + 1)), 5));
    lineages.add((deps.record.headOf() as Manifest).lineage);
    deps.clock.advance(60_000);
  }
  expect(lineages.size).toBe(1);
});
