// What agents say of versions that they refuse, as bytes and as a judgement.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBeat, encodeBeat } from '../../../core/bus/beat.ts';
import {
  type AgentReport,
  decodeReport,
  encodeReport,
  judgeQuarantine,
  type KeyReport,
  QUARANTINE_DEFAULT,
  REPORT_BYTES_MAX,
  REPORTS_WANTED,
  shareToAsk,
} from '../../../core/bus/refusal-reports.ts';
import { type Lineage, type SdkKey, type Seq, toSdkKey } from '../../../core/ids.ts';

const KEY = toSdkKey('KEY1');
const OTHER = toSdkKey('KEY+2');
const A = 'lineage-a' as Lineage;
const B = 'lineage-b' as Lineage;
const CODE = 'DATAFILE_UNDECIDABLE';
const HEAD = { sdkKey: KEY, lineage: A, seq: 5 as Seq };

const serves = (seq: number, lineage = A): KeyReport => ({ lineage, seq: seq as Seq, quarantined: null });
const refuses = (refused: number, { seq = refused - 1, lineage = A, code = CODE } = {}): KeyReport => ({
  ...{ lineage, seq: seq as Seq },
  quarantined: { seq: refused as Seq, code },
});
let agents = 0;
const report = (key: KeyReport, sdkKey: SdkKey = KEY): AgentReport => ({
  agent: `agent-${++agents}`,
  keys: new Map([[sdkKey, key]]),
});

describe('a report', () => {
  it('survives its own encoding', () => {
    const keys = new Map([
      [KEY, refuses(5)],
      [OTHER, serves(9, B)],
    ]);
    expect(decodeReport(encodeReport({ agent: 'a-1', keys }))).toEqual({ agent: 'a-1', keys });
  });

  it.each([
    '{',
    'null',
    '{"schema":2,"agent":"a","keys":{}}',
    '{"schema":1,"agent":"a b","keys":{}}',
    '{"schema":1,"agent":"a"}',
    '{"schema":1,"agent":"a","keys":{"a.b":{"lineage":"l","seq":1}}}',
    '{"schema":1,"agent":"a","keys":{"K":null}}',
    '{"schema":1,"agent":"a","keys":{"K":{"lineage":"l","seq":-1}}}',
    '{"schema":1,"agent":"a","keys":{"K":{"lineage":"l","seq":1,"quarantined":{"seq":2,"code":"<b>"}}}}',
    '{"schema":1,"agent":"a","keys":{"K":{"lineage":"l","seq":1,"quarantined":5}}}',
    `{"schema":1,"agent":"a","keys":${'['.repeat(1_000)}`,
    ' '.repeat(REPORT_BYTES_MAX + 1),
  ])('a report is none when malformed: %.80s', (text) => {
    expect(decodeReport(new TextEncoder().encode(text))).toBeNull();
  });

  it('a report of any form does not make the reader fail', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((json) => Buffer.from(json)),
        ),
        (bytes) => {
          decodeReport(bytes);
        },
      ),
    );
  });
});

describe('a version', () => {
  const judge = (reports: readonly AgentReport[], rule = QUARANTINE_DEFAULT) =>
    judgeQuarantine(HEAD, reports, rule);

  it('a version is quarantined when half of the agents, and at least two, refuse it', () => {
    expect(judge([report(refuses(5)), report(refuses(5))])).toEqual({ share: 1, agents: 2, code: CODE });
    expect(judge([report(refuses(5)), report(serves(5))])).toEqual({ share: 0.5, agents: 2, code: CODE });
  });

  it('a version is not quarantined when fewer agents refuse it', () => {
    expect(judge([])).toBeNull();
    expect(judge([report(refuses(5)), report(serves(5)), report(serves(6))])).toBeNull();
    expect(judge([report(serves(5)), report(serves(5))])).toBeNull();
  });

  it('a version is not quarantined by one agent alone, which may itself be broken', () => {
    expect(judge([report(refuses(5))])).toBeNull();
    expect(judge([report(refuses(5))], { share: 0.5, agentsMin: 1 })).not.toBeNull();
  });

  it.each<[string, KeyReport, SdkKey]>([
    ['have not seen it yet', serves(4), KEY],
    ['refuse one before it', refuses(4), KEY],
    ['are in another lineage', refuses(5, { lineage: B }), KEY],
    ['refuse one of another key', refuses(5), OTHER],
  ])('a version is not judged by agents that %s', (_, key, sdkKey) => {
    expect(judge([report(key, sdkKey), report(key, sdkKey), report(key, sdkKey)])).toBeNull();
    const some = [report(key, sdkKey), report(key, sdkKey), report(refuses(5)), report(refuses(5))];
    expect(judge(some)).toMatchObject({ share: 1, agents: 2 });
  });

  it('a version is refused for what most of them say', () => {
    const rare = report(refuses(5, { code: 'DATAFILE_UNLOADABLE' }));
    expect(judge([rare, report(refuses(5)), report(refuses(5))])?.code).toBe(CODE);
  });
});

describe('whom a beat asks', () => {
  it('a beat asks all agents of a small fleet, and a share of a large one, by how many answered before', () => {
    expect(shareToAsk(0, 1)).toBe(1);
    expect(shareToAsk(REPORTS_WANTED, 1)).toBe(1);
    expect(shareToAsk(1_000, 1)).toBeCloseTo(0.2);
    // The same fleet, of which a fifth was asked, stays at a fifth.
    expect(shareToAsk(200, 0.2)).toBeCloseTo(0.2);
    expect(shareToAsk(20, 0.2)).toBe(1);
  });

  it('travels in the beat, which those who do not know of it read as before', () => {
    const beat = { sentAtMs: 5, heads: new Map([[KEY, { lineage: A, seq: 4 as Seq }]]) };
    expect(decodeBeat(encodeBeat({ ...beat, askShare: 0.2 }))).toEqual({ ...beat, askShare: 0.2 });
    for (const askShare of [-1, 0, 2, Number.NaN])
      expect(decodeBeat(encodeBeat({ ...beat, askShare }))).toEqual(beat);
  });
});
