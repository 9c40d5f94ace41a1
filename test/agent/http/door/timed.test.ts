// Which requests move the original's timers, as observed: those whose SDK key is known, with any answer.

import { describe, expect, it } from 'vitest';
import { ROUTES, type RouteRow } from '../../../../agent/http/routes.ts';
import { startDoor } from '../../support/door.ts';
import { KEY } from '../../support/fakes.ts';

async function setUp() {
  const { api, admin } = await startDoor({ env: { OPTIMIZELY_ADMIN_METRICSTYPE: 'expvar' } });
  const hits = async (timer: string) =>
    (await admin({ path: '/metrics' })).json()[`timer.${timer}.hits`] as number;
  const post = (path: string, body: string, headers: Record<string, string> = {}) =>
    api({ path, method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  return { api, admin, hits, post };
}

describe('the original’s timers', () => {
  it('the original’s timers are moved by their own route each, once for a request', async () => {
    const { api, hits, post } = await setUp();
    for (const [route, { timer }] of Object.entries<RouteRow>(ROUTES.api)) {
      if (timer === undefined) continue;
      const [method, path = ''] = route.split(' ');
      if (method === 'GET') await api({ path });
      else await post(path, '{"userId":"u"}');
      expect(await hits(timer), route).toBe(1);
    }
  });

  it('count what is refused for itself, and not what has no key that is known', async () => {
    const { api, hits, post } = await setUp();
    expect((await post('/v1/decide', '{')).status).toBe(400);
    expect((await post('/v1/decide', 'x', { 'content-type': 'text/plain' })).status).toBe(415);
    expect(await hits('decide')).toBe(2);
    expect((await post('/v1/decide', '{}', { 'x-optimizely-sdk-key': '' })).status).toBe(400);
    expect((await post('/v1/decide', '{}', { 'x-optimizely-sdk-key': 'unknown' })).status).toBe(403);
    expect((await api({ path: '/v1/decide', method: 'PUT' })).status).toBe(405);
    expect(await hits('decide')).toBe(2);
  });

  it('count the operations of a batch', async () => {
    const { hits, post } = await setUp();
    const headers = { 'x-optimizely-sdk-key': KEY, 'content-type': 'application/json' };
    const operations = [
      { method: 'POST', url: '/v1/decide', headers, body: { userId: 'u' } },
      { method: 'GET', url: '/v1/config', headers },
      { method: 'GET', url: '/v1/config' },
    ];
    expect((await post('/v1/batch', JSON.stringify({ operations }))).json().errorCount).toBe(1);
    expect(await hits('decide')).toBe(1);
    expect(await hits('get-config')).toBe(1);
  });

  it('the original’s timers are beside our own, for Prometheus', async () => {
    const { api, admin } = await startDoor({ env: { OPTIMIZELY_ADMIN_METRICSTYPE: 'prometheus' } });
    await api({ path: '/v1/datafile' });
    const { text } = await admin({ path: '/metrics' });
    expect(text).toContain('\ntimer_get_datafile_hits 1\n');
    expect(text).toContain('\ntimer_get_datafile_response_time_hist_bucket{le="+Inf"} 1\n');
    expect(text).toContain('\ncounter_dispatcher_success_flush 0\n');
    expect(text).toContain('fanout_agent_http_requests_total{route="GET /v1/datafile",status="200"} 1');
  });
});
