// Pages of another origin than the agent's, in a real browser, with the clients that they would use and no setting of CORS.

import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DatafileJson, datafileBytes } from '../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../infra/local/optimizely/flip-flag.ts';
import { eventually } from '../../support/eventually.ts';
import { noBrowser, openBrowser, openPage, type TestPage } from '../../support/http/browser.ts';
import { startAgent } from '../support/agent.ts';
import { KEY, LINEAGE, MemoryRecord } from '../support/fakes.ts';
import { flagsBody } from '../support/flags.ts';
import type { OfrepPage } from './ofrep-page.ts';
import type { SdkPage } from './sdk-page.ts';

const POLL_MS = 1_000;

let browser: Browser | null = null;
beforeAll(async () => {
  if (noBrowser === null) browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(({ skip }) => skip(noBrowser !== null, noBrowser ?? ''));

async function start(script: string) {
  const record = new MemoryRecord();
  let body: Buffer = flagsBody(1);
  record.publish(KEY, body, LINEAGE, Date.now() - 60_000);
  const agent = await startAgent({ record });
  await eventually('the datafile', () => agent.agent.status.ready());
  const page = await openPage(browser as Browser, join(import.meta.dirname, script));
  const publish = (next: Buffer) => {
    body = next;
    record.publish(KEY, body, LINEAGE, Date.now());
  };
  const flip = (flagKey: string) =>
    publish(datafileBytes(flipFlag(JSON.parse(body.toString()) as DatafileJson, flagKey)));
  return { agent, publish, flip, ...page };
}

const notModified = ({ statuses }: TestPage, path: string) =>
  eventually('a poll that finds nothing new', () => statuses(path).includes(304));

it('Optimizely’s SDK follows a flip by polling', async () => {
  const { agent, flip, ...tab } = await start('sdk-page.ts');
  const path = `/datafiles/${KEY}.json`;
  await tab.page.evaluate(
    ([api, key, pollMs]) => (globalThis as unknown as { sdkPage: SdkPage }).sdkPage.start(api, key, pollMs),
    [agent.api, KEY, POLL_MS] as const,
  );
  const isOn = () =>
    tab.page.evaluate(() => (globalThis as unknown as { sdkPage: SdkPage }).sdkPage.isOn('several'));
  expect(await isOn()).toBe(true);
  await notModified(tab, path);
  flip('several');
  await eventually('the flip', async () => (await isOn()) === false);
  expect(new Set(tab.statuses(path))).toEqual(new Set([200, 304]));
  expect(tab.errors).toEqual([]);
});

describe('OpenFeature’s OFREP provider', () => {
  const openOfrep = async (headers: [string, string][]) => {
    const { agent, publish, flip, ...tab } = await start('ofrep-page.ts');
    await tab.page.evaluate(
      ([api, own, pollMs]) =>
        (globalThis as unknown as { ofrepPage: OfrepPage }).ofrepPage.start(api, own, pollMs),
      [agent.api, headers, POLL_MS] as const,
    );
    const values = () =>
      tab.page.evaluate(() => (globalThis as unknown as { ofrepPage: OfrepPage }).ofrepPage.values());
    const changes = () =>
      tab.page.evaluate(() => (globalThis as unknown as { ofrepPage: OfrepPage }).ofrepPage.changes());
    return { agent, publish, flip, tab, values, changes };
  };
  const VARIABLES = { greeting: 'hi', limit: 7, layout: [1, 2] };

  it.each<[string, string]>([
    ['X-Optimizely-SDK-Key', KEY],
    ['X-API-Key', KEY],
    ['Authorization', `Bearer ${KEY}`],
  ])('reads every type of a flag with several variables, its key in %s', async (name, value) => {
    const { tab, values } = await openOfrep([[name, value]]);
    expect(await values()).toEqual({
      ...{ boolean: true, enabled: true, string: 'hi', number: 7, object: VARIABLES },
    });
    expect(tab.errors).toEqual([]);
  });

  it('OpenFeature’s OFREP provider is told of the one flag that was flipped, and of nothing before', async () => {
    const { agent, publish, flip, tab, values, changes } = await openOfrep([['X-API-Key', KEY]]);
    await notModified(tab, '/ofrep/');
    // A revision that changes no flag.
    publish(flagsBody(2));
    await eventually('the revision', async () => (await agent.decide('plain')).revision === 2);
    const before = tab.statuses('/ofrep/').length;
    await eventually('two more polls', () => tab.statuses('/ofrep/').length >= before + 2);
    expect(await changes()).toEqual([]);
    flip('several');
    await eventually('the flip', async () => (await changes()).length > 0);
    const parts = ['$enabled', '$variables', 'greeting', 'limit', 'layout'].map((part) => `several.${part}`);
    expect(await changes()).toEqual([['several', ...parts]]);
    expect(await values()).toMatchObject({ boolean: false, enabled: false, object: VARIABLES });
    expect(tab.errors).toEqual([]);
  });
});
