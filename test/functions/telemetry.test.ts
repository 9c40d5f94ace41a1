// What the functions print: one JSON line per event, and metrics that CloudWatch reads out of the log.

import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ServiceName } from '../../core/log.ts';
import { changeTraceId } from '../../core/trace.ts';
import { createTelemetry as create, withFields } from '../../functions/telemetry.ts';
import { lineProblems } from '../support/log-schema.ts';

let printed: Record<string, unknown>[] = [];
beforeEach(() => {
  printed = [];
  vi.stubEnv('POWERTOOLS_DEV', 'true'); // Powertools writes to the console that the test can see,
  vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false'); // but counts nothing then unless told to.
  const print = (line: string) => void printed.push(JSON.parse(line));
  for (const method of ['log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, method).mockImplementation(print);
});
/** Lines of log and of metrics alike end up in `printed`. */
const createTelemetry = (service: ServiceName, stage?: string) =>
  create({
    service,
    env: { FANOUT_STAGE: stage, AWS_LAMBDA_FUNCTION_NAME: 'shop-webhook' },
    nowMs: () => 0,
    write: (line) => void printed.push(JSON.parse(line)),
  });
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe('a log line', () => {
  it('a log line is one JSON object with its event, level, writer and fields', () => {
    createTelemetry('webhook').log.warn('manifest.kept', { seq: 3, reason: 'older' });
    expect(printed).toMatchObject([
      { level: 'warn', event: 'manifest.kept', service: 'webhook', name: 'shop-webhook', seq: 3 },
    ]);
    expect(printed.flatMap(lineProblems)).toEqual([]);
  });

  it.each([
    ['the setting', { FANOUT_NAME: 'mine', AWS_LAMBDA_FUNCTION_NAME: 'theirs' }, 'mine'],
    ['the function', { FANOUT_NAME: ' ', AWS_LAMBDA_FUNCTION_NAME: 'theirs' }, 'theirs'],
    ['the host', {}, hostname()],
  ])('a log line is by the name of %s', (_, env, name) => {
    const write = (line: string) => void printed.push(JSON.parse(line));
    create({ service: 'receiver', env, nowMs: () => 0, write }).log.info('beat.sent');
    expect(printed).toMatchObject([{ service: 'receiver', name }]);
  });

  it('a log line is left out below FANOUT_LOG_LEVEL', () => {
    const write = (line: string) => void printed.push(JSON.parse(line));
    const { log } = create({ service: 'bridge', env: { FANOUT_LOG_LEVEL: 'Warn' }, nowMs: () => 0, write });
    log.info('beat.sent');
    log.warn('manifest.kept');
    expect(printed).toMatchObject([{ event: 'manifest.kept' }]);
  });

  it('carries the fields that were bound, also when bound twice', () => {
    const { log } = createTelemetry('webhook');
    withFields(withFields(log, { changeId: 'c' }), { sdkKey: 'k' }).info('beat.sent', { keys: 1 });
    expect(printed).toMatchObject([{ changeId: 'c', sdkKey: 'k', keys: 1 }]);
  });

  it('names the trace of the change that it is about', () => {
    const { log } = createTelemetry('webhook');
    log.info('manifest.moved', { changeId: 'c' });
    log.info('beat.sent', { keys: 1 });
    expect(printed.map(({ traceId }) => traceId)).toEqual([changeTraceId('c'), undefined]);
  });
});

describe('metrics', () => {
  it('metrics are printed together, in the embedded format', () => {
    const { metrics, flush } = createTelemetry('webhook');
    metrics.count('MissedWebhook');
    metrics.count('MissedWebhook', 2);
    metrics.timeMs('PublishLatencyMs', -5);
    flush();
    expect(printed).toHaveLength(1);
    expect(printed[0]).toMatchObject({ service: 'webhook', MissedWebhook: [1, 2], PublishLatencyMs: 0 });
    expect(printed[0]).toHaveProperty('_aws.CloudWatchMetrics.0.Namespace', 'DatafileFanout');
    expect(printed[0]).toMatchObject({ event: 'metrics.counted', time: '1970-01-01T00:00:00.000Z' });
    expect(printed.flatMap(lineProblems)).toEqual([]);
  });

  it('metrics of several stages are kept apart, where there are stages', () => {
    for (const stage of ['prod', '']) {
      const { metrics, flush } = createTelemetry('webhook', stage);
      metrics.count('MissedWebhook');
      flush();
    }
    const [prod, none] = printed;
    expect(prod).toMatchObject({ stage: 'prod', service: 'webhook' });
    expect(prod).toHaveProperty('_aws.CloudWatchMetrics.0.Dimensions', [['service', 'stage']]);
    expect(none).toHaveProperty('_aws.CloudWatchMetrics.0.Dimensions', [['service']]);
  });

  it('metrics are printed once, and not at all when nothing was counted', () => {
    const { metrics, flush } = createTelemetry('webhook');
    flush();
    metrics.count('BusBehind');
    flush();
    flush();
    expect(printed).toHaveLength(1);
  });
});
