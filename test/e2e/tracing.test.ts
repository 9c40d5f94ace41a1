// Traces of the built agent, as a collector takes them: their packages are loaded late, and a bundle may load a package
// otherwise than Node does.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { datafileBody, KEY } from '../agent/support/fakes.ts';
import { TestCdn } from '../agent/support/http.ts';
import { type Collector, startGrpcCollector, startHttpCollector } from '../agent/tracing/collector.ts';
import { runAgent } from '../support/agent-process.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';

/** Starts an agent, lets it decide once for a caller with a trace, and stops it with SIGTERM; returns its log. */
async function decideOnceAndStop(env: Record<string, string>): Promise<readonly string[]> {
  const cdn = await new TestCdn().start();
  onTestFinished(() => cdn.close());
  cdn.bodies.set(KEY, datafileBody(1));
  const agent = runAgent({
    isBuilt: true,
    env: {
      OPTIMIZELY_SDKKEYS: KEY,
      OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/events',
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
      ...env,
    },
  });
  const { apiPort } = await agent.ports();
  await eventually('it decides', async () => {
    const response = await fetch(`http://127.0.0.1:${apiPort}/v1/decide?keys=flag_1`, {
      method: 'POST',
      headers: {
        ...{ 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY },
        traceparent: `00-${TRACE_ID}-${CALLER}-01`,
      },
      body: JSON.stringify({ userId: 'ann' }),
    });
    return response.status === 200;
  });
  expect(await agent.stop()).toBe(0);
  return agent.lines;
}

describe('the traces of a built agent', () => {
  it.each<['http' | 'grpc', () => Promise<Collector>, string]>([
    ['http', startHttpCollector, '/v1/traces'],
    ['grpc', startGrpcCollector, '/opentelemetry.proto.collector.trace.v1.TraceService/Export'],
  ])('reach a collector over %s before it ends', async (protocol, startCollector, path) => {
    const collector = await startCollector();
    await decideOnceAndStop({
      OPTIMIZELY_TRACING_ENABLED: 'true',
      OPTIMIZELY_TRACING_OPENTELEMETRY_DEFAULT: 'remote',
      OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_REMOTE_ENDPOINT: collector.endpoint,
      OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_REMOTE_PROTOCOL: protocol,
    });
    expect(new Set(collector.paths)).toEqual(new Set([path]));
    const [swap, ...swaps] = collector.spans.filter(({ name }) => name === 'datafile.swap');
    expect(swaps).toEqual([]);
    expect(swap?.attributes.get('fanout.source')).toBe('cdn');
    const decided = collector.spans.filter(({ name }) => name === 'POST /v1/decide').at(-1);
    expect(decided).toMatchObject({ traceId: TRACE_ID, parentSpanId: CALLER });
    expect(decided?.links).toEqual([{ traceId: swap?.traceId, spanId: swap?.spanId }]);
    expect(decided?.attributes.get('http.response.status_code')).toBe(200);
    expect(decided?.attributes.get('fanout.revision')).toBe(1);
  });

  it('come from each of its workers, in one trace for one change', async () => {
    const collector = await startHttpCollector();
    await decideOnceAndStop({
      AGENT_WORKERS: '2',
      OPTIMIZELY_TRACING_ENABLED: 'true',
      OPTIMIZELY_TRACING_OPENTELEMETRY_DEFAULT: 'remote',
      OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_REMOTE_ENDPOINT: collector.endpoint,
      OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_REMOTE_PROTOCOL: 'http',
    });
    const swaps = collector.spans.filter(({ name }) => name === 'datafile.swap');
    expect(swaps).toHaveLength(2);
    expect(new Set(swaps.map(({ traceId }) => traceId)).size).toBe(1);
    const decided = collector.spans.filter(({ name }) => name === 'POST /v1/decide').at(-1);
    expect(swaps.map(({ spanId }) => spanId)).toContain(decided?.links[0]?.spanId);
  });

  it('go to a file where there is no collector', async () => {
    const path = join(await tempDir(), 'trace.out');
    await decideOnceAndStop({
      OPTIMIZELY_TRACING_ENABLED: 'true',
      OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_STDOUT_FILENAME: path,
    });
    const text = await readFile(path, 'utf8');
    expect(text).toContain('"Name": "datafile.swap"');
    expect(text).toContain(`"TraceID": "${TRACE_ID}"`);
  });

  it('cost it nothing but a log line when the collector is away', async () => {
    const lines = await decideOnceAndStop({
      OPTIMIZELY_TRACING_ENABLED: 'true',
      OPTIMIZELY_TRACING_OPENTELEMETRY_DEFAULT: 'remote',
      OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_REMOTE_ENDPOINT: '127.0.0.1:1',
    });
    const failures = lines
      .map((line) => JSON.parse(line))
      .filter(({ dependency }) => dependency === 'traces');
    expect(failures).toHaveLength(1);
    expect(failures[0]).toMatchObject({ event: 'service.failed', what: 'export', retryable: true });
  });
});
