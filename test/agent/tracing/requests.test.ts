// Spans of requests: a whole agent over HTTP, with the spans kept instead of sent.

import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/eventually.ts';
import { startAgent } from '../support/agent.ts';
import { datafileBody, KEY, LINEAGE, MemoryRecord } from '../support/fakes.ts';
import { sampling, testTracing } from './spans.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = 'b7ad6b7169203331';
const traceparent = (flags: '00' | '01') => `00-${TRACE_ID}-${CALLER}-${flags}`;

/** An agent with revision 1 of the flags, and what it traces. */
async function start(settings: Parameters<typeof testTracing>[0] = {}) {
  const traced = testTracing(settings);
  const record = new MemoryRecord();
  record.publish(KEY, datafileBody(1));
  const agent = await startAgent({
    ...{ record, tracing: traced.tracing, settings },
    env: { FANOUT_BUCKET: 'b', FANOUT_S3_ENDPOINT: 'http://127.0.0.1:1' },
  });
  const holds = (seq: number) =>
    eventually(`seq ${seq} serves`, () => agent.agent.status.samples().some((one) => one.seq === seq));
  await holds(1);
  const decide = (headers: Record<string, string> = {}) =>
    fetch(`${agent.api}/v1/decide?keys=flag_1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY, ...headers },
      body: JSON.stringify({ userId: 'ann' }),
    });
  return { ...traced, agent, record, decide, holds };
}

describe('a request', () => {
  it('a request is one server span, named by method and route, that says what it was answered from', async () => {
    const { agent, decide, spans } = await start();
    expect((await decide()).status).toBe(200);
    await agent.stop();
    const span = spans.one('POST /v1/decide');
    expect(span.kind).toBe(1); // A server's.
    expect(span.parentSpanContext).toBeUndefined();
    expect(span.attributes).toEqual({
      'http.request.method': 'POST',
      'http.response.status_code': 200,
      'http.route': '/v1/decide',
      'url.path': '/v1/decide',
      'url.scheme': 'http',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(agent.api).port),
      'fanout.sdk_key': KEY,
      'fanout.revision': 1,
      'fanout.seq': 1,
      'fanout.lineage': LINEAGE,
      'fanout.change_id': 'change-1',
    });
    expect(span.status.code).toBe(0);
  });

  it("continues its caller's trace", async () => {
    const { agent, decide, spans } = await start();
    await decide({ traceparent: traceparent('01'), tracestate: 'vendor=1' });
    await agent.stop();
    const span = spans.one('POST /v1/decide');
    expect(span.parentSpanContext).toMatchObject({ traceId: TRACE_ID, spanId: CALLER, isRemote: true });
    expect(span.spanContext().traceId).toBe(TRACE_ID);
    expect(span.spanContext().traceState?.serialize()).toBe('vendor=1');
  });

  it('begins a trace of its own where the caller names none that makes sense', async () => {
    const { agent, decide, spans } = await start();
    await decide({ traceparent: `00-${'0'.repeat(32)}-${CALLER}-01` });
    await agent.stop();
    expect(spans.one('POST /v1/decide').parentSpanContext).toBeUndefined();
  });

  it('a request is linked to the swap that brought its datafile, in every protocol', async () => {
    const { agent, decide, holds, record, spans } = await start();
    await decide();
    record.publish(KEY, datafileBody(2));
    await holds(2);
    await fetch(`${agent.api}/ofrep/v1/evaluate/flags/flag_1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': KEY },
      body: JSON.stringify({ context: { targetingKey: 'ann' } }),
    });
    await agent.get(`/datafiles/${KEY}.json`);
    await agent.stop();
    const [first, second] = spans.named('datafile.swap').map((span) => span.spanContext().spanId);
    const linkOf = (name: string) =>
      spans
        .named(name)
        .at(-1)
        ?.links.map(({ context }) => context.spanId);
    expect(spans.named('POST /v1/decide')[0]?.links[0]?.context.spanId).toBe(first);
    expect(linkOf('POST /ofrep/v1/evaluate/flags/*')).toEqual([second]);
    expect(linkOf('GET /datafiles/*')).toEqual([second]);
  });

  it('a request that fails says so, and one without a route has the method alone for a name', async () => {
    const { agent, spans } = await start();
    await agent.get('/v1/config', { 'x-optimizely-sdk-key': 'unknown' });
    await agent.get('/nowhere?user=ann');
    await agent.stop();
    const failed = spans.one('GET /v1/config');
    expect(failed.attributes).toMatchObject({ 'http.response.status_code': 500, 'error.type': '500' });
    expect(failed.status.code).toBe(2);
    expect(failed.links).toEqual([]);
    const unrouted = spans.one('GET');
    expect(unrouted.attributes).toMatchObject({ 'http.response.status_code': 404, 'url.path': '/nowhere' });
    expect(unrouted.status.code).toBe(0);
  });

  it('about health leaves no span', async () => {
    const { agent, spans } = await start();
    for (const path of ['/health', '/health/live', '/health/ready']) await agent.get(path);
    await agent.stop();
    expect(spans.all.filter(({ name }) => name.includes('health'))).toEqual([]);
  });
});

describe('sampling', () => {
  it('sampling is for traces that begin here; callers have decided for theirs, and swaps are all kept', async () => {
    const { agent, decide, spans, tracing } = await start(sampling(0));
    await decide();
    await decide({ traceparent: traceparent('00') });
    await decide({ traceparent: traceparent('01') });
    await agent.stop();
    expect(spans.one('POST /v1/decide').spanContext().traceId).toBe(TRACE_ID);
    expect(spans.named('datafile.swap')).toHaveLength(1);
    expect(tracing.stats()).toEqual({ sent: 2, failed: 0, dropped: 0 });
  });

  it('follows the trace id, so that all who see a trace keep it or all drop it', async () => {
    const { agent, decide, spans } = await start(sampling(0.5));
    for (let i = 0; i < 64; i++) await decide();
    await agent.stop();
    const kept = spans.named('POST /v1/decide').length;
    // All or none of 64 at one half: once in 2^63 runs.
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(64);
  });
});

describe('where logs may not hold SDK keys', () => {
  it('spans hold none either', async () => {
    const { agent, decide, spans } = await start({ logSdkKeys: false });
    await decide();
    await agent.get(`/datafiles/${KEY}.json`);
    await agent.get(`/nowhere/${KEY}`);
    await agent.stop();
    expect(spans.all.length).toBeGreaterThan(3);
    expect(
      JSON.stringify(spans.all.map(({ name, attributes, links }) => [name, attributes, links])),
    ).not.toContain(KEY);
  });
});

describe('metrics', () => {
  it('tell what became of spans', async () => {
    const { agent, decide } = await start();
    await decide();
    const text = await (await fetch(`${agent.admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
    expect(text).toContain('fanout_agent_spans_total{result="dropped"} 0');
  });
});
