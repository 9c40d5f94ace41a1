// The way out: what fails or does not fit is counted and said now and then, and nothing of it reaches a request.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../../agent/config/config.ts';
import { type CreateDeps, createTracing } from '../../../agent/tracing/create.ts';
import { createExporter, tracesUrl, urlOf } from '../../../agent/tracing/exporters.ts';
import { startTracing } from '../../../agent/tracing/tracing.ts';
import { changeTraceId } from '../../../core/trace.ts';
import { useProxies } from '../../../io/http/proxy.ts';
import { startProxy } from '../../support/http/proxy.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { candidateOf, MemoryLog, realClock, settled } from '../support/fakes.ts';
import { startHttpCollector } from './collector.ts';
import { FAILED, SUCCESS } from './spans.ts';

type Export = CreateDeps['exporter']['export'];

function tracingWith(exportSpans: Export, clock: CreateDeps['clock'] = realClock) {
  const log = new MemoryLog();
  const exporter = { export: exportSpans, shutdown: async () => {} };
  return {
    log,
    tracing: createTracing(
      parseConfig({}, () => ''),
      { clock, log, exporter },
    ),
  };
}

const swap = (revision: number) => ({ ...candidateOf(revision), acceptedAtMs: 1_700_000_000_000 });

describe('spans that a collector does not take', () => {
  it('spans that a collector does not take are counted, and said once with a remedy', async () => {
    const { log, tracing } = tracingWith((_, done) =>
      done({ code: FAILED, error: new Error('ECONNREFUSED') }),
    );
    for (let i = 1; i <= 600; i++) tracing.swapped(swap(i));
    await tracing.stop();
    expect(tracing.stats()).toEqual({ sent: 0, failed: 600, dropped: 0 });
    const lines = log.of('service.failed');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).toMatchObject({ dependency: 'traces', what: 'export', code: 'SERVICE_FAILED' });
    expect(lines[0]?.fields.error).toContain('ECONNREFUSED');
  });

  it('spans that a collector does not take are dropped and counted when too many wait for it', async () => {
    const taken: (() => void)[] = [];
    let isStuck = true;
    const { tracing } = tracingWith((_, done) => {
      const take = () => done({ code: SUCCESS });
      if (isStuck) taken.push(take);
      else take();
    });
    for (let i = 1; i <= 6_000; i++) tracing.swapped(swap(i));
    await settled();
    // One batch is on its way, 4096 wait.
    const { dropped } = tracing.stats();
    expect(dropped).toBe(6_000 - 4_096 - 512);
    isStuck = false;
    for (const take of taken) take();
    await tracing.stop();
    expect(tracing.stats()).toEqual({ sent: 4_608, failed: 0, dropped });
  });

  it('hold up the end for a limited time', async () => {
    const clock = new ManualClock();
    const { log, tracing } = tracingWith(() => {}, clock);
    tracing.swapped(swap(1));
    const stopped = tracing.stop();
    await settled();
    clock.advance(5_000);
    await stopped;
    expect(log.of('service.failed').at(0)?.fields.error).toContain('no answer within 5000 ms');
    expect(clock.waitingCount).toBe(0);
  });
});

describe('the address of a collector', () => {
  it.each([
    ['localhost:4318', 'http://localhost:4318/v1/traces'],
    ['http://collector:4318/', 'http://collector:4318/v1/traces'],
    ['https://collector', 'https://collector/v1/traces'],
    ['https://vendor.example/otlp/v1/traces', 'https://vendor.example/otlp/v1/traces'],
  ])('%s over HTTP is %s', (endpoint, url) => {
    expect(tracesUrl(endpoint)).toBe(url);
  });

  it('the address of a collector has no TLS unless it says so, as the original takes it', () => {
    expect(urlOf('localhost:4317')).toBe('http://localhost:4317');
    expect(urlOf('https://collector:4317')).toBe('https://collector:4317');
  });
});

describe('a file of spans', () => {
  const fileConfig = (path: string) =>
    parseConfig(
      {
        OPTIMIZELY_TRACING_ENABLED: 'true',
        OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_STDOUT_FILENAME: path,
        OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICENAME: 'flags',
      },
      () => '',
    );
  const deps = () => ({ clock: realClock, log: new MemoryLog() });

  it("holds them in the original's shape, those of this start alone", async () => {
    const path = join(await tempDir(), 'trace.out');
    for (const revision of [1, 2]) {
      const tracing = startTracing(fileConfig(path), deps());
      tracing?.swapped(swap(revision));
      await tracing?.stop();
    }
    const span = JSON.parse(await readFile(path, 'utf8'));
    expect(span).toMatchObject({
      Name: 'datafile.swap',
      SpanContext: { TraceID: changeTraceId('change-2'), TraceFlags: '01', Remote: false },
      Parent: { SpanID: '0000000000000000' },
      ...{ SpanKind: 1, StartTime: '2023-11-14T22:13:20.000000000Z', Status: { Code: 'Unset' } },
    });
    expect(span.Attributes).toContainEqual({ Key: 'fanout.seq', Value: { Type: 'INT64', Value: 2 } });
    expect(span.Attributes).toContainEqual({ Key: 'fanout.first', Value: { Type: 'BOOL', Value: true } });
    expect(span.Resource).toContainEqual({ Key: 'service.name', Value: { Type: 'STRING', Value: 'flags' } });
  });

  it('a file of spans that cannot be written costs its spans and nothing else', async () => {
    const path = join(await tempDir(), 'no-such-folder', 'trace.out');
    const { log, clock } = deps();
    const tracing = startTracing(fileConfig(path), { log, clock });
    tracing?.swapped(swap(1));
    await tracing?.stop();
    expect(tracing?.stats()).toEqual({ sent: 0, failed: 1, dropped: 0 });
    expect(log.of('service.failed')[0]?.fields.error).toContain('ENOENT');
  });
});

it('an exporter of each protocol can be made', async () => {
  for (const protocol of ['http', 'grpc'] as const) {
    const exporter = await createExporter({ kind: 'otlp', endpoint: 'localhost:1', protocol, sampleRate: 1 });
    await exporter.shutdown();
  }
});

it('spans go over HTTP by the proxy of the environment', async () => {
  const collector = await startHttpCollector();
  const proxy = await startProxy({ hosts: { 'collector.test:4318': collector.endpoint } });
  const { undo } = useProxies({ HTTP_PROXY: proxy.url });
  onTestFinished(async () => {
    undo();
    await proxy.close();
  });
  const settings = {
    kind: 'otlp',
    endpoint: 'http://collector.test:4318',
    protocol: 'http',
    sampleRate: 1,
  } as const;
  const exporter = await createExporter(settings);
  const config = parseConfig({}, () => '');
  const tracing = createTracing(config, { clock: realClock, log: new MemoryLog(), exporter });
  tracing.swapped(swap(1));
  await tracing.stop();
  expect(tracing.stats()).toMatchObject({ sent: 1 });
  expect(proxy.asked).toEqual(['POST http://collector.test:4318/v1/traces']);
});
