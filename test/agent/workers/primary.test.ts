// The primary as its workers meet it: real wiring, with the processes played by the test.

import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../../agent/config/config.ts';
import { Primary } from '../../../agent/workers/primary.ts';
import { eventually } from '../../support/eventually.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { NOWHERE } from '../support/agent.ts';
import { datafileBody, KEY, MemoryLog, MemoryRecord, OTHER_KEY, settled } from '../support/fakes.ts';
import { startHttp, TestCdn } from '../support/http.ts';
import { type FakeProcess, FakeProcesses } from './processes.ts';

async function startPrimary(env: Record<string, string> = {}, record = new MemoryRecord()) {
  const clock = new ManualClock();
  const processes = new FakeProcesses();
  const config = parseConfig(
    {
      ...{ OPTIMIZELY_SDKKEYS: KEY, OPTIMIZELY_SERVER_HOST: '127.0.0.1', AGENT_WORKERS: '2' },
      ...{ OPTIMIZELY_ADMIN_PORT: '0', OPTIMIZELY_WEBHOOK_PORT: '0', OPTIMIZELY_API_MAXCONNS: '9' },
      ...{ OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: NOWHERE, ...env },
    },
    () => '',
  );
  const deps = { clock, random: () => 0.5, monotonicMs: () => 0, log: new MemoryLog(), reader: record };
  const primary = new Primary(config, deps, processes.spawn);
  const starting = primary.start();
  const [one, other] = processes.all as [FakeProcess, FakeProcess];
  for (const child of [one, other]) child.hello();
  const { adminPort } = await starting;
  onTestFinished(() => primary.stop());
  await settled();
  return { clock, processes, one, other, admin: `http://127.0.0.1:${adminPort}` };
}

describe('a primary', () => {
  it('gives each worker its share of the connections that are allowed', async () => {
    const { one } = await startPrimary();
    expect(one.heard[0]).toMatchObject({ name: 'begin', arg: { config: { api: { maxConns: 5 } } } });
  });

  it('a primary is ready when a worker serves every configured key', async () => {
    const record = new MemoryRecord();
    const { one, clock, admin } = await startPrimary({}, record);
    expect(await one.primary.ask('ready', null)).toBe(false);
    expect((await fetch(`${admin}/health/ready`)).status).toBe(503);
    record.publish(KEY, datafileBody(1));
    await eventually('the datafile is handed out', () => {
      clock.advance(5_000);
      return one.primary.ask('ready', null);
    });
    expect((await fetch(`${admin}/health/ready`)).status).toBe(200);
    expect(await one.primary.ask('report', null)).toMatchObject({ workers: { serving: 2, whole: true } });
  });

  it('a primary is ready without a key that does not exist, and again when a worker is replaced', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    const record = new MemoryRecord();
    record.publish(KEY, datafileBody(1));
    const { one, processes, clock, admin } = await startPrimary(
      { OPTIMIZELY_SDKKEYS: `${KEY},${OTHER_KEY}`, OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template },
      record,
    );
    await eventually('it is ready', () => one.primary.ask('ready', null));
    expect(await one.primary.ask('report', null)).toMatchObject({
      status: 'degraded',
      datafiles: [{ sdkKey: KEY }, { sdkKey: OTHER_KEY, unknownToOptimizely: { cdnStatus: 403 } }],
      workers: { ready: true, whole: true },
    });
    one.die();
    clock.advance(100);
    processes.last.hello();
    await settled();
    expect((await fetch(`${admin}/health/ready`)).status).toBe(200);
  });

  it('says that what one said is known when the other has heard it, or does not answer', async () => {
    const { one, other, clock } = await startPrimary();
    const { promise, resolve } = Promise.withResolvers<null>();
    other.answers.settle = () => promise;
    let known = 0;
    one.tell('override', { sdkKey: KEY, userId: 'u', experimentKey: 'e', variationKey: 'v' });
    void one.primary.ask('settle', null).then(() => known++);
    await settled();
    expect(other.names().slice(-2)).toEqual(['override', 'settle']);
    expect(known).toBe(0);
    resolve(null);
    await settled();
    expect(known).toBe(1);
    other.answers.settle = () => new Promise(() => {});
    void one.primary.ask('settle', null).then(() => known++);
    await settled();
    clock.advance(500);
    await settled();
    expect(known).toBe(2);
  });

  it('finds unlisted keys for its workers, and tells them which ones it let go', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    cdn.bodies.set(OTHER_KEY, datafileBody(1, { sdkKey: OTHER_KEY }));
    cdn.bodies.set('ThirdKey', datafileBody(1, { sdkKey: 'ThirdKey' }));
    const { one, clock } = await startPrimary({
      ...{ OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template, FANOUT_KEYS_ON_DEMAND_MAX: '1' },
    });
    const resolved = async (header: string) => {
      let found: unknown;
      void one.primary.ask('resolve', { header, client: '127.0.0.1' }).then((it) => {
        found = it;
      });
      // Its sources wait before they ask the CDN.
      await eventually(`${header} is found`, () => {
        clock.advance(100);
        return found !== undefined;
      });
      return found;
    };
    expect(await resolved(OTHER_KEY)).toEqual({ sdkKey: OTHER_KEY, configured: false });
    expect(await resolved('ThirdKey')).toEqual({ sdkKey: 'ThirdKey', configured: false });
    expect(one.heard.filter(({ name }) => name === 'forget')).toEqual([{ name: 'forget', arg: OTHER_KEY }]);
    expect(await resolved('NobodyHasIt')).toBe('denied');
  });

  it('takes the events of its workers, and sends them when it stops', async () => {
    const endpoint = await startHttp(() => ({ status: 204 }));
    onTestFinished(() => endpoint.close());
    const { one, other, clock } = await startPrimary({ OPTIMIZELY_CLIENT_EVENTURL: endpoint.url });
    for (const [child, json] of [
      [one, '{"visitor_id":"a"}'],
      [other, '{"visitor_id":"b"}'],
    ] as const)
      await child.primary.ask('takeEvents', [
        { url: 'https://elsewhere', head: '{"account_id":"1"}', jsons: [json] },
      ]);
    clock.advance(60_000);
    await eventually('they are sent', () => endpoint.seen.length > 0);
    expect(JSON.parse(endpoint.seen[0]?.body ?? '')).toEqual({
      account_id: '1',
      visitors: [{ visitor_id: 'a' }, { visitor_id: 'b' }],
    });
  });
});
