// The small codecs that travel between parts: SNS notices, heartbeats, the project table, durations.

import { describe, expect, it } from 'vitest';
import { decodeBeat, encodeBeat } from '../../core/bus/beat.ts';
import { decodeNotice, encodeNotice, type Notice } from '../../core/bus/notice.ts';
import { parseDurationMs } from '../../core/duration.ts';
import { errorFields, FanoutError } from '../../core/errors.ts';
import { type ChangeId, type Lineage, parseRevision, type Seq, toSdkKey } from '../../core/ids.ts';
import { datafilesOf, parseProjects } from '../../core/projects.ts';
import { datafileSubject, manifestKey } from '../../core/record/names.ts';

const sdkKey = toSdkKey('KEY1');

describe('SNS notices', () => {
  const base = { schema: 1, sdkKey, revision: 7, changeId: 'c-1' as ChangeId } as const;

  it.each<Notice>([
    { ...base, kind: 'published', seq: 3 as Seq },
    { ...base, kind: 'refetch', receivedAtMs: 1_000 },
  ])('survive their own encoding: $kind', (notice) => {
    expect(decodeNotice(encodeNotice(notice))).toEqual(notice);
  });

  it.each([
    ['{', 'is not JSON'],
    ['{}', 'has an unknown schema'],
    [JSON.stringify({ ...base, kind: 'published' }), 'is neither'],
    [JSON.stringify({ ...base, kind: 'published', seq: 1, sdkKey: 'a.b' }), 'is not an SDK key'],
    [JSON.stringify({ ...base, kind: 'refetch', receivedAtMs: 1, changeId: 'a b' }), 'has no change id'],
  ])('SNS notices are refused when wrong: %s', (message, why) => {
    expect(() => decodeNotice(message)).toThrow(why);
  });
});

describe('heartbeats', () => {
  it('survive their own encoding', () => {
    const beat = { sentAtMs: 5, heads: new Map([[sdkKey, { lineage: 'l' as Lineage, seq: 4 as Seq }]]) };
    expect(decodeBeat(encodeBeat(beat))).toEqual(beat);
    const withOthers = { ...beat, others: [`${sdkKey}2` as typeof sdkKey] };
    expect(decodeBeat(encodeBeat(withOthers))).toEqual(withOthers);
  });

  it.each([
    '{',
    '{}',
    '{"schema":1,"sentAtMs":1,"heads":{"K":{"seq":-1,"lineage":"l"}}}',
    '{"schema":1,"sentAtMs":1,"heads":{"K":null}}',
  ])('count as missed when malformed: %s', (text) => {
    expect(decodeBeat(new TextEncoder().encode(text))).toBeNull();
  });
});

describe('the project table', () => {
  const good = [
    {
      projectId: '5',
      secrets: ['s1', 's2'],
      datafiles: [
        { sdkKey: 'PROD', environment: 'Production' },
        { sdkKey: 'DEV', environment: 'Development', accessToken: 't' },
      ],
    },
  ];

  it('leads from a webhook to the keys it may touch', () => {
    const project = parseProjects(JSON.stringify(good)).get('5');
    if (project === undefined) throw new Error('project 5 is missing');
    const event = { kind: 'datafile-updated', projectId: '5', revision: 1, sentAtMs: null } as const;
    const touched = (sdkKey: string | null, environment: string) =>
      datafilesOf(project, { ...event, sdkKey: sdkKey === null ? null : toSdkKey(sdkKey), environment }).map(
        (d) => d.sdkKey,
      );
    expect(touched('PROD', 'Development')).toEqual(['PROD']);
    expect(touched(null, 'production')).toEqual(['PROD']);
    expect(touched('ELSE', 'Production')).toEqual([]);
    expect(touched(null, 'Staging')).toEqual([]);
  });

  it('reports every problem at once, and no secret', () => {
    const bad = [
      { projectId: 'x', secrets: [], datafiles: [{ sdkKey: 'a b', environment: '' }] },
      { projectId: '5', secrets: ['hush'], datafiles: [] },
      { projectId: '5', secrets: ['hush'], datafiles: [{ sdkKey: 'K', environment: 'p', accessToken: '' }] },
    ];
    let message = '';
    try {
      parseProjects(JSON.stringify(bad));
    } catch (error) {
      message = (error as Error).message;
    }
    for (const problem of [
      '[0].projectId must be a number',
      '[0].secrets must be',
      '[0].datafiles[0].environment',
      '[0].datafiles[0].sdkKey',
      '[1].datafiles must be',
      '[2].projectId 5 appears twice',
      '[2].datafiles[0].accessToken',
    ]) {
      expect(message).toContain(problem);
    }
    expect(message).not.toContain('hush');
  });

  it('the project table does not repeat its text when it is not JSON', () => {
    expect(() => parseProjects('[{"secrets": hush}]')).toThrow(/^(?!.*hush).*is not JSON/);
  });
});

describe('small parsers', () => {
  it.each([
    ['100ms', 100],
    ['5s', 5_000],
    ['1m30s', 90_000],
    ['0.5h', 1_800_000],
    ['5', null],
    ['s', null],
    ['', null],
    ['5 s', null],
  ])('duration %j is %j ms', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });

  it.each([
    [13, 13],
    ['13', 13],
    ['', null],
    [-1, null],
    [1.5, null],
    ['1e3', null],
    [null, null],
  ])('revision %j is %j', (value, revision) => {
    expect(parseRevision(value)).toBe(revision);
  });

  it('keeps awkward SDK keys apart in S3 and whole on the bus', () => {
    const awkward = toSdkKey('a+b/c=');
    expect(manifestKey(awkward)).toBe('datafiles/a%2Bb%2Fc%3D/manifest.json');
    expect(datafileSubject(awkward)).toBe('df.v1.a+b/c=');
  });

  it.each(['', 'a.b', 'a*', 'a>', 'a b', 'x'.repeat(129), 'ü'])('refuses %j as an SDK key', (text) => {
    expect(() => toSdkKey(text)).toThrow('is not an SDK key');
  });

  it('flattens an error and its cause for one log line', () => {
    const error = new FanoutError({
      code: 'CDN_FAILED',
      message: 'no',
      remedy: 'wait',
      retryable: true,
      fields: { sdkKey },
      cause: new Error('socket'),
    });
    expect(errorFields(error)).toEqual({
      code: 'CDN_FAILED',
      error: 'no',
      remedy: 'wait',
      retryable: true,
      sdkKey,
      cause: 'socket',
    });
    expect(errorFields('text')).toEqual({ error: 'text' });
  });
});
