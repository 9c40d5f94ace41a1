// Datafiles by the CDN's own address: what an SDK, or another agent, gets when it is told to ask here.

import { createInstance, createPollingProjectConfigManager } from '@optimizely/optimizely-sdk';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SETTLING_MS } from '../../../../agent/http/project/datafile-file.ts';
import { sha256Of } from '../../../../core/ids.ts';
import { eventually } from '../../../support/eventually.ts';
import { serves, startAgent, type TestAgent } from '../../support/agent.ts';
import { datafileBody, KEY, LINEAGE, MemoryRecord, OTHER_KEY, realClock } from '../../support/fakes.ts';
import { TestCdn } from '../../support/http.ts';

const PATH = `/datafiles/${KEY}.json`;
const SECOND_MS = 1_000;
const RECEIVED_AT_MS = Date.UTC(2024, 0, 2, 3, 4, 5, 678);

async function start(agoMs: number, env: Record<string, string> = {}, record = new MemoryRecord()) {
  if (record.manifests.size === 0) record.publish(KEY, datafileBody(1), LINEAGE, RECEIVED_AT_MS);
  const clock = { nowMs: () => RECEIVED_AT_MS + agoMs, after: realClock.after };
  const agent = await startAgent({ record, clock, env });
  await eventually('the datafile', () => agent.agent.status.ready());
  return { agent, record };
}

const ask = ({ api }: TestAgent, path: string, headers: Record<string, string> = {}) =>
  fetch(`${api}${path}`, { headers });

describe('a datafile at the address of the CDN', () => {
  it('comes as it is, with its date and its hash', async () => {
    const { agent } = await start(SETTLING_MS);
    const response = await ask(agent, PATH);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^application\/json/);
    expect(response.headers.get('last-modified')).toBe('Tue, 02 Jan 2024 03:04:05 GMT');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    // The same for every page, so that caches need not keep one for each.
    expect(response.headers.get('vary')).toBe('Accept-Encoding');
    const toPage = await ask(agent, PATH, { origin: 'https://shop.example' });
    expect(toPage.headers.get('access-control-allow-origin')).toBe('*');
    expect(toPage.headers.get('vary')).toBe('Accept-Encoding');
    expect(response.headers.get('x-datafile-lineage')).toBe(LINEAGE);
    const body = Buffer.from(await response.arrayBuffer());
    expect(body.equals(datafileBody(1))).toBe(true);
    expect(response.headers.get('etag')).toBe(`"${sha256Of(body)}"`);
  });

  it('a datafile is not sent again to a client that has it', async () => {
    const { agent } = await start(SETTLING_MS);
    const { headers } = await ask(agent, PATH);
    const [etag, date] = [headers.get('etag') ?? '', headers.get('last-modified') ?? ''];
    const statusFor = async (conditions: Record<string, string>) =>
      (await ask(agent, PATH, conditions)).status;
    expect(await statusFor({ 'if-none-match': etag })).toBe(304);
    expect(await statusFor({ 'if-none-match': `"x", W/${etag}` })).toBe(304);
    expect(await statusFor({ 'if-modified-since': date })).toBe(304);
    expect(await statusFor({ 'if-none-match': '"x"' })).toBe(200);
    // The hash decides where both are sent, and a later date is that of another agent's datafile.
    expect(await statusFor({ 'if-none-match': '"x"', 'if-modified-since': date })).toBe(200);
    expect(await statusFor({ 'if-modified-since': 'Tue, 02 Jan 2030 03:04:05 GMT' })).toBe(200);
  });

  it('a datafile at the address of the CDN has a date that a second change within the same second cannot share', async () => {
    const { agent, record } = await start(500);
    const early = (await ask(agent, PATH)).headers.get('last-modified') ?? '';
    expect(early).toBe('Tue, 02 Jan 2024 03:04:04 GMT');
    record.publish(KEY, datafileBody(2), LINEAGE, RECEIVED_AT_MS + 100);
    await serves(agent, 2, 2);
    // Another agent, some seconds later.
    const { agent: later } = await start(SETTLING_MS + SECOND_MS, {}, record);
    expect((await ask(later, PATH, { 'if-modified-since': early })).status).toBe(200);
  });

  it('a datafile at the address of the CDN is found for keys with characters that paths do not like, and at the secure address too', async () => {
    const record = new MemoryRecord();
    record.publish(OTHER_KEY, datafileBody(1, { sdkKey: OTHER_KEY }));
    const agent = await startAgent({ record, env: { OPTIMIZELY_SDKKEYS: OTHER_KEY } });
    await eventually('the datafile', () => agent.agent.status.ready());
    const name = encodeURIComponent(OTHER_KEY);
    expect((await ask(agent, `/datafiles/${name}.json`)).status).toBe(200);
    expect((await ask(agent, `/datafiles/auth/${name}.json?x=1`)).status).toBe(200);
  });

  it('a datafile at the address of the CDN of a secure environment needs its token, in the header and nowhere else', async () => {
    const { agent } = await start(SETTLING_MS, { OPTIMIZELY_SDKKEYS: `${KEY}:secret-token` });
    const withToken = await ask(agent, PATH, { authorization: 'Bearer secret-token' });
    expect(withToken.status).toBe(200);
    expect(withToken.headers.get('cache-control')).toContain('private');
    expect((await ask(agent, PATH)).status).toBe(403);
    expect((await ask(agent, PATH, { authorization: 'Bearer wrong' })).status).toBe(403);
    expect((await ask(agent, `/datafiles/${KEY}:secret-token.json`)).status).toBe(404);
  });

  it('a datafile is loaded for keys that are not configured, and refused for keys that do not exist', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    cdn.bodies.set('onDemand', datafileBody(7, { sdkKey: 'onDemand' }));
    const agent = await startAgent({ env: { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template } });
    const found = await ask(agent, '/datafiles/onDemand.json');
    expect([found.status, ((await found.json()) as { revision: string }).revision]).toEqual([200, '7']);
    expect(found.headers.get('last-modified')).toBe('Tue, 14 Nov 2023 22:13:20 GMT');
    expect((await ask(agent, '/datafiles/unknown.json')).status).toBe(403);
  });

  it.each([
    '/datafiles/',
    '/datafiles/x',
    '/datafiles/%.json',
    '/datafiles/a/b.json',
    '/datafiles/a%20b.json',
  ])('%s is not there', async (path) => {
    const { agent } = await start(SETTLING_MS);
    expect((await ask(agent, path)).status).toBe(404);
  });
});

describe("Optimizely's own SDK, polling an agent", () => {
  it('decides by it, gets changes, and asks in vain when there are none', async () => {
    const { agent, record } = await start(SETTLING_MS);
    const sdk = createInstance({
      projectConfigManager: createPollingProjectConfigManager({
        sdkKey: KEY,
        urlTemplate: `${agent.api}/datafiles/%s.json`,
        updateInterval: SECOND_MS,
        autoUpdate: true,
      }),
    });
    onTestFinished(async () => void (await sdk.close()));
    await sdk.onReady();
    const isOn = () => sdk.createUserContext('u1')?.decide('flag_1').enabled;
    expect(isOn()).toBe(true);
    record.publish(KEY, datafileBody(2, { on: false }), LINEAGE, RECEIVED_AT_MS + 60 * SECOND_MS);
    await eventually('the change', () => isOn() === false);
    const metrics = async () =>
      (await fetch(`${agent.admin}/metrics`, { headers: { accept: 'text/plain' } })).text();
    const notModified = /http_requests_total\{route="GET \/datafiles\/\*",status="304"\} [1-9]/;
    await eventually('an answer without a body', async () => notModified.test(await metrics()));
  });
});
