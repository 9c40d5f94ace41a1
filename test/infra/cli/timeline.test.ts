// From log lines to steps: those that the functions really write, and those that go wrong.

import { describe, expect, it } from 'vitest';
import { toSdkKey } from '../../../core/ids.ts';
import { parseProjects } from '../../../core/projects.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { receiveWebhook } from '../../../functions/webhook/receive-webhook.ts';
import { barOf, duration, pictureOf } from '../../../infra/cli/logs/picture.ts';
import { timelineOf } from '../../../infra/cli/logs/timeline.ts';
import { GOLDEN } from '../../fixtures/golden-webhook.ts';
import { datafileOf, PROJECT_ID } from '../../support/datafiles.ts';
import { fakeDeps } from '../../support/functions/fakes.ts';

type Fields = Readonly<Record<string, unknown>>;

/** As Insights gives a line: texts, and no field that is absent. */
const rowOf = (ms: number, fields: Fields): Record<string, string> => ({
  '@timestamp': new Date(ms).toISOString().replace(/[TZ]/g, ' ').trim(),
  service: 'webhook',
  ...Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)])),
});
const plain = (_style: string, text: string): string => text;

describe('a real change', () => {
  it('a real change is told in words, from the lines of the function itself', async () => {
    const sdkKey = toSdkKey('QMVJcUKEJZFg8pQ2jhAybK');
    const deps = fakeDeps();
    deps.cdn.serve(datafileOf(13, { sdkKey }));
    const projects = parseProjects(
      JSON.stringify([
        {
          projectId: PROJECT_ID,
          secrets: [GOLDEN.secret],
          datafiles: [{ sdkKey, environment: 'Production' }],
        },
      ]),
    );
    const request = { method: 'POST', path: '/webhooks/optimizely', rawBody: Buffer.from(GOLDEN.body) };
    await receiveWebhook(
      deps,
      { projects: unchanging(projects), fetchBudgetMs: 1_000, guard: null },
      { ...request, signature: GOLDEN.signature, requestId: 'request-1' },
    );
    const timeline = timelineOf(
      'request-1',
      deps.lines.map((line, i) => rowOf(i, line)),
    );
    expect(timeline?.steps.map(({ label }) => label)).toEqual([
      'webhook received',
      'datafile fetched',
      'body in S3',
      'manifest moved',
      'announced on the bus',
      'webhook answered',
    ]);
    expect(timeline).toMatchObject({ sdkKeys: [sdkKey], projectIds: [PROJECT_ID], revision: 13, seq: 1 });
  });
});

describe('what goes wrong', () => {
  const labelOf = (fields: Fields) => {
    const [step] = timelineOf('c', [rowOf(0, fields)])?.steps ?? [];
    return [step?.label, step?.tone, step?.detail];
  };

  it.each([
    [{ event: 'refetch.queued', reason: 'CDN_STALE' }, 'refetch queued', 'warn', 'CDN_STALE'],
    [
      {
        event: 'change.announce-failed',
        path: 'bus',
        code: 'BUS_UNAVAILABLE',
        error: 'no bus',
        remedy: 'Look.',
      },
      ...['announcement failed', 'bad', 'bus: BUS_UNAVAILABLE · no bus · Look.'],
    ],
    [{ event: 'webhook.answered', status: 503 }, 'webhook answered', 'bad', '503'],
    [{ event: 'manifest.kept', reason: 'pinned' }, 'manifest kept', 'warn', 'pinned'],
    [{ event: 'manifest.conflict', attempt: 2 }, 'another writer first', 'warn', 'attempt 2'],
    [{ event: 'reconcile.key', found: 'missed-webhook' }, 'reconcile looked', 'warn', 'missed-webhook'],
    [{ event: 'something.new', code: 'X', error: 'y' }, 'something.new', 'bad', 'X · y'],
  ] as const)('%o', (fields, ...words) => {
    expect(labelOf(fields)).toEqual(words);
  });

  it('is nothing at all without a line that tells a time', () => {
    expect(timelineOf('c', [])).toBeNull();
    expect(timelineOf('c', [{ event: 'manifest.moved' }])).toBeNull();
  });
});

describe('agents', () => {
  it('agents are one step however many there are, with what they measured', () => {
    const rows = Array.from({ length: 1_000 }, (_, i) =>
      rowOf(100 + i, { event: 'candidate.accepted', arrival: 'live', latencyMs: i + 1, sdkKey: 'k' }),
    );
    const timeline = timelineOf('c', [rowOf(0, { event: 'manifest.moved', sdkKey: 'k' }), ...rows]);
    expect(timeline?.agents).toEqual({ count: 1_000, medianMs: 500, p99Ms: 990, slowestMs: 1_000 });
    expect(timeline?.steps).toHaveLength(2);
    expect(timeline?.steps[1]).toMatchObject({ fromMs: 0, toMs: 1_099, by: 'agents' });
  });
});

describe('the picture', () => {
  it('draws each step where its time went', () => {
    expect(barOf({ fromMs: 0, toMs: 50 }, 100, 10)).toBe('█████     ');
    expect(barOf({ fromMs: 50, toMs: 100 }, 100, 10)).toBe('     █████');
    expect(barOf({ fromMs: 0, toMs: 25 }, 100, 10)).toBe('██▌       ');
    expect(barOf({ fromMs: 100, toMs: 100 }, 100, 10)).toBe('         ▏');
    expect(barOf({ fromMs: 0, toMs: 0 }, 0, 10)).toBe('▏         ');
  });

  it('names the key of each step where a change is about several', () => {
    const rows = ['a', 'b'].map((sdkKey, i) => rowOf(i, { event: 'manifest.moved', sdkKey, seq: i + 1 }));
    const timeline = timelineOf('c', rows);
    const text = timeline === null ? '' : pictureOf(timeline, 100, plain);
    expect(text).toMatch(/manifest moved .* a seq 1$/m);
    expect(text).toMatch(/manifest moved .* b seq 2$/m);
    expect(text).toContain('no agent is heard of in these logs');
  });

  it('writes durations for people', () => {
    const written = [0, 999, 1_000, 1_940, 59_999, 60_000, 185_000, 7_260_000].map(duration);
    expect(written).toEqual([
      '0 ms',
      '999 ms',
      '1.0 s',
      '1.9 s',
      '59.9 s',
      '1 min',
      '3 min 5 s',
      '2 h 1 min',
    ]);
  });
});
