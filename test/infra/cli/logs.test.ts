// `fanout logs` as a process, against a stand-in of CloudWatch Logs.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { queryText } from '../../../infra/insights/queries.ts';
import { CloudWatch, type Row } from './support/cloudwatch.ts';
import { type Ended, fanout } from './support/fanout.ts';

const LOG_GROUPS = join(import.meta.dirname, '../../../infra/serverless/log-groups.yml');
const CHANGE = 'JKJaXmPLvHcESHA';
const KEY = 'QMVJcUKEJZFg8pQ2jhAybK';
const at = (ms: number): string =>
  new Date(Date.UTC(2026, 0, 2, 3, 4, 5) + ms).toISOString().replace(/[TZ]/g, ' ').trim();

const webhookLine = (ms: number, event: string, more: Row = {}): Row => ({
  ...{ '@timestamp': at(ms), service: 'webhook', changeId: CHANGE, event, sdkKey: KEY },
  ...more,
});
const agentLine = (ms: number, latencyMs: number, more: Row = {}): Row => ({
  ...{ '@timestamp': at(ms), changeId: CHANGE, event: 'candidate.accepted', sdkKey: KEY },
  ...{ revision: 459, seq: 12, arrival: 'live', latencyMs },
  ...more,
});
/** Deliberately out of order. */
const STORY: readonly Row[] = [
  webhookLine(430, 'webhook.answered', { status: 204 }),
  webhookLine(0, 'webhook.received', { revision: 459, projectId: 42, environment: 'Production' }),
  webhookLine(300, 'datafile.fetched', { via: 'cdn' }),
  webhookLine(340, 'datafile.archived', { outcome: 'written' }),
  webhookLine(380, 'manifest.moved', { seq: 12, revision: 459, cause: 'webhook' }),
  webhookLine(400, 'change.announced', { path: 'bus', seq: 12, latencyMs: 400 }),
  webhookLine(900, 'change.announced', { service: 'bridge', result: 'already-there' }),
  agentLine(410, 410),
  agentLine(420, 420),
  agentLine(500, 500),
  agentLine(9_000_000, 9_000_000, { arrival: 'start' }),
];

/** A line of the picture without its widths. */
const bare = (line: string): string =>
  line
    .trim()
    .replace(/[▏▎▍▌▋▊▉█]+/, '|')
    .split(/ {2,}/)
    .join(' · ');

let cloudwatch: CloudWatch;
beforeEach(async () => {
  cloudwatch = await new CloudWatch().start();
});
afterEach(() => cloudwatch.stop());

const run = (line: string, env: Record<string, string> = {}): Promise<Ended> =>
  fanout(['logs', ...line.split(' ')], { ...cloudwatch.env, ...env });

describe('logs --change', () => {
  it('draws the change step by step, and what its agents measured', async () => {
    cloudwatch.find = () => STORY;
    cloudwatch.looksNeeded = 2;
    const { code, out, err } = await run(`--change ${CHANGE} --agent-log-group /ecs/agents`);
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines[0]).toBe(`change ${CHANGE}  revision 459  seq 12  ${KEY}`);
    expect(lines[1]).toBe('2026-01-02T03:04:05.000Z  900 ms from the first line to the last');
    expect(lines.slice(3).map(bare)).toEqual([
      '+0 ms · 0 ms · webhook received · webhook · | · Production',
      '+300 ms · 300 ms · datafile fetched · webhook · | · from cdn',
      '+340 ms · 40 ms · body in S3 · webhook · | · written',
      '+380 ms · 40 ms · manifest moved · webhook · | · seq 12',
      '+400 ms · 20 ms · announced on the bus · webhook · |',
      '+430 ms · 30 ms · webhook answered · webhook · | · 204',
      '+500 ms · 100 ms · 3 agents serve it · agents · | · median 420 ms, p99 500 ms, slowest 500 ms after the webhook',
      '+900 ms · 470 ms · bus had it already · bridge · | · already-there',
    ]);
    expect(err).toContain('CloudWatch searches … 0 s, 12 MB');
  });

  it('asks the saved query, of the stage and the time that were given', async () => {
    cloudwatch.find = () => STORY;
    const beforeMs = Date.now();
    await run(`--change ${CHANGE} --stage prod --since 2h --agent-log-group /ecs/agents`);
    const [query] = cloudwatch.queries;
    expect(query?.queryString).toBe(queryText('oneChange', { changeId: CHANGE }));
    expect(query?.logGroupNames).toEqual([
      '/aws/lambda/datafile-fanout-prod-webhook',
      '/aws/lambda/datafile-fanout-prod-bridge',
      '/aws/lambda/datafile-fanout-prod-reconcile',
      '/ecs/agents',
    ]);
    const { startTime = 0, endTime = 0 } = query ?? {};
    expect(endTime - startTime).toBeGreaterThanOrEqual(2 * 60 * 60);
    expect(endTime - startTime).toBeLessThanOrEqual(2 * 60 * 60 + 1);
    expect(endTime).toBeGreaterThanOrEqual(Math.floor(beforeMs / 1000));
  });

  it.each(['home', 'bus-only'] as const)(
    'logs --change of role %s searches what the saved queries do',
    async (role) => {
      const groups = parse(readFileSync(LOG_GROUPS, 'utf8'), { merge: true, logLevel: 'error' })[
        role
      ] as unknown[];
      const wanted = groups.filter((group) => typeof group === 'string');
      await run(`--change ${CHANGE} --stage prod --role ${role}`);
      const filledIn = wanted.map((group) =>
        group.replace(`\${self:service}-\${sls:stage}`, 'datafile-fanout-prod'),
      );
      expect(cloudwatch.queries[0]?.logGroupNames.toSorted()).toEqual(filledIn.toSorted());
    },
  );

  it('gives the same as one JSON document', async () => {
    cloudwatch.find = () => STORY;
    const { code, json } = await run(`--change ${CHANGE} --json`);
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      changes: [
        {
          changeId: CHANGE,
          ...{ revision: 459, seq: 12, sdkKeys: [KEY], projectIds: ['42'], totalMs: 900 },
          agents: { count: 3, medianMs: 420, p99Ms: 500, slowestMs: 500 },
          steps: expect.arrayContaining([
            expect.objectContaining({ event: 'manifest.moved', fromMs: 340, toMs: 380, by: 'webhook' }),
          ]),
        },
      ],
    });
  });
});

describe('logs --revision', () => {
  const changesRow = (changeId: string): Row => ({ changeId, firstAt: at(0), ofRevision: 459 });

  it('finds the changes of the revision, then draws each', async () => {
    cloudwatch.find = ({ queryString }) =>
      queryString.includes('revision = 459') ? [changesRow(CHANGE), changesRow('another')] : STORY;
    const { code, out } = await run('--revision 459');
    expect(code).toBe(0);
    expect(cloudwatch.queries.map(({ queryString }) => queryString)).toEqual([
      queryText('changesOfRevision', { revision: 459 }),
      queryText('oneChange', { changeId: CHANGE }),
      queryText('oneChange', { changeId: 'another' }),
    ]);
    expect(out).toContain(`change ${CHANGE}`);
    expect(out).toContain('change another');
  });

  it('leaves out what concerns other keys and projects', async () => {
    cloudwatch.find = ({ queryString }) =>
      queryString.includes('revision = 459') ? [changesRow(CHANGE)] : STORY;
    expect((await run(`--revision 459 --sdk-key ${KEY} --project 42`)).code).toBe(0);
    expect((await run('--revision 459 --sdk-key other')).code).toBe(1);
    expect((await run('--revision 459 --project 43')).code).toBe(1);
  });

  it('ends with 1 when nothing is found, and says what to try', async () => {
    const { code, out } = await run('--revision 459 --since 90m --stage prod');
    expect(code).toBe(1);
    expect(out).toContain(
      "Nothing about revision 459 within 1 h 30 min in the functions' logs of stage prod.",
    );
    expect(out).toContain('Give a longer --since');
    expect((await run('--revision 459 --json')).json()).toEqual({ changes: [] });
  });
});

describe('logs --since', () => {
  it('lists the changes of that time', async () => {
    cloudwatch.find = () => [
      {
        '@timestamp': at(0),
        changeId: CHANGE,
        sdkKey: KEY,
        seq: 12,
        revision: 459,
        cause: 'webhook',
        latencyMs: 380,
      },
      {
        '@timestamp': at(0),
        changeId: 'late',
        sdkKey: 'b',
        seq: 2,
        revision: 7,
        cause: 'reconcile',
        latencyMs: 61_000,
      },
    ];
    const { code, out } = await run('--since 1h');
    expect(code).toBe(0);
    expect(cloudwatch.queries[0]?.queryString).toBe(queryText('changes'));
    expect(out).toMatch(new RegExp(`2026-01-02T03:04:05.000Z +459 +12 +${KEY} +webhook +380 ms .*${CHANGE}`));
    expect(out).toMatch(/reconcile +1 min 1 s +█{20} +late/);
    expect((await run('--since 1h --sdk-key b')).out).not.toContain(CHANGE);
  });
});
