// The publisher hears reports of agents within limits of number and bytes, also beside other messages.

import { expect, it } from 'vitest';
import {
  FleetReports,
  KEPT_BYTES_MAX,
  READ_BYTES_MAX,
  READ_COUNT_MAX,
  REPORTS_MAX,
} from '../../../core/bus/fleet-reports.ts';
import { encodeReport, REPORT_BYTES_MAX } from '../../../core/bus/refusal-reports.ts';
import type { Lineage, Seq } from '../../../core/ids.ts';
import { KEY } from '../../support/datafiles.ts';

const report = (agent: string, seq = 1, keys = 1): Uint8Array =>
  encodeReport({
    agent,
    keys: new Map(
      Array.from({ length: keys }, (_, i) => [
        (i === 0 ? KEY : `${KEY}${i}`) as typeof KEY,
        { lineage: 'l' as Lineage, seq: seq as Seq, quarantined: null },
      ]),
    ),
  });

it('keeps the latest report of each agent', () => {
  const heard = new FleetReports();
  for (const payload of [report('a', 1), report('b', 1), report('a', 2)]) heard.add(payload);
  expect(heard.reports.map(({ agent, keys }) => [agent, keys.get(KEY)?.seq])).toEqual([
    ['a', 2],
    ['b', 1],
  ]);
  expect(heard.isCutShort).toBe(false);
});

it('hears an agent behind thousands of messages that are no reports', () => {
  const heard = new FleetReports();
  for (let i = 0; i < REPORTS_MAX + 100; i++) heard.add(new Uint8Array(1));
  heard.add(report('a'));
  expect(heard.reports).toHaveLength(1);
});

it('keeps no more agents, and no more bytes, than its limits, and says so', () => {
  const many = new FleetReports();
  for (let i = 0; i <= REPORTS_MAX; i++) many.add(report(`agent-${i}`));
  expect([many.reports.length, many.isCutShort]).toEqual([REPORTS_MAX, true]);
  const large = new FleetReports();
  const bytes = report('agent-0000', 1, 1_000).byteLength;
  const fit = Math.floor(KEPT_BYTES_MAX / bytes);
  for (let i = 0; i < fit + 5; i++) large.add(report(`agent-${String(i).padStart(4, '0')}`, 1, 1_000));
  expect([large.reports.length, large.isCutShort]).toEqual([fit, true]);
});

it('does not let one agent use up the bytes of all by saying the same again', () => {
  const heard = new FleetReports();
  for (let i = 0; i < 100; i++) heard.add(report('a', i, 1_000));
  heard.add(report('b'));
  expect([heard.reports.length, heard.isCutShort]).toEqual([2, false]);
});

it('wants no more messages once it has read enough of them, or enough bytes', () => {
  const counted = new FleetReports();
  const empty = new Uint8Array(0);
  for (let i = 0; i < READ_COUNT_MAX; i++) expect(counted.add(empty)).toBe(true);
  expect([counted.add(empty), counted.isCutShort]).toEqual([false, true]);
  const weighed = new FleetReports();
  const junk = new Uint8Array(REPORT_BYTES_MAX);
  for (let i = 0; i < READ_BYTES_MAX / junk.byteLength; i++) expect(weighed.add(junk)).toBe(true);
  expect([weighed.add(junk), weighed.isCutShort]).toEqual([false, true]);
});
