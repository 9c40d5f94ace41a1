// OpenFeature's own SDK and standard OFREP provider against an agent, for every type of value.

import { OFREPProvider } from '@openfeature/ofrep-provider';
import { ErrorCode, OpenFeature, StandardResolutionReasons } from '@openfeature/server-sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAgent } from '../../../../agent/agent.ts';
import { parseConfig } from '../../../../agent/config/config.ts';
import { eventually } from '../../../support/eventually.ts';
import { KEY, MemoryLog, MemoryRecord, realClock } from '../../support/fakes.ts';
import { flagsBody } from '../../support/flags.ts';

const USER = { targetingKey: 'u1' };
const record = new MemoryRecord();
record.publish(KEY, flagsBody(1));
const env = {
  OPTIMIZELY_SDKKEYS: KEY,
  OPTIMIZELY_SERVER_HOST: '127.0.0.1',
  FANOUT_S3_POLL_INTERVAL: '100ms',
};
const config = parseConfig(
  {
    ...env,
    OPTIMIZELY_CLIENT_EVENTURL: 'http://127.0.0.1:1/',
    OPTIMIZELY_API_PORT: '0',
    OPTIMIZELY_ADMIN_PORT: '0',
    OPTIMIZELY_WEBHOOK_PORT: '0',
  },
  () => '',
);
const agent = createAgent(config, {
  ...{ clock: realClock, random: Math.random, monotonicMs: () => performance.now(), log: new MemoryLog() },
  reader: record,
});
const client = OpenFeature.getClient();

beforeAll(async () => {
  const { apiPort } = await agent.start();
  await eventually('the datafile', () => agent.status.ready());
  const options = { baseUrl: `http://127.0.0.1:${apiPort}`, headers: { 'X-Optimizely-SDK-Key': KEY } };
  await OpenFeature.setProviderAndWait(new OFREPProvider(options));
});
afterAll(async () => {
  await OpenFeature.close();
  await agent.stop();
});

describe('the OFREP provider of OpenFeature', () => {
  it('evaluates booleans', async () => {
    expect(await client.getBooleanValue('plain', false, USER)).toBe(true);
    expect(await client.getBooleanValue('truth.dark', false, USER)).toBe(true);
    expect(await client.getBooleanValue('several', false, USER)).toBe(true);
    expect(await client.getBooleanValue('several.$enabled', false, USER)).toBe(true);
    expect(await client.getBooleanValue('paid', true, USER)).toBe(false);
    expect(await client.getBooleanValue('paid', false, { ...USER, plan: 'pro' })).toBe(true);
  });

  it('evaluates strings', async () => {
    expect(await client.getStringValue('text.greeting', 'x', USER)).toBe('hello');
    expect(await client.getStringValue('several.greeting', 'x', USER)).toBe('hi');
  });

  it('evaluates numbers', async () => {
    expect(await client.getNumberValue('count.limit', 0, USER)).toBe(42);
    expect(await client.getNumberValue('share.ratio', 0, USER)).toBe(0.25);
  });

  it('evaluates objects', async () => {
    expect(await client.getObjectValue('shape.layout', {}, USER)).toEqual({ columns: 3, rows: ['a', 'b'] });
    expect(await client.getObjectValue('several.$variables', {}, USER)).toEqual({
      ...{ greeting: 'hi', limit: 7, layout: [1, 2] },
    });
  });

  it('the OFREP provider of OpenFeature is told why, and by which datafile', async () => {
    const details = await client.getBooleanDetails('test', false, USER);
    expect(details).toMatchObject({
      ...{ value: true, variant: 'test_rule_on', reason: StandardResolutionReasons.SPLIT },
      flagMetadata: { revision: 1, seq: 1, enabled: true },
    });
  });

  it('the OFREP provider of OpenFeature is told what is wrong in its own terms, and gives the default', async () => {
    expect(await client.getBooleanDetails('nope', true, USER)).toMatchObject({
      ...{ value: true, errorCode: ErrorCode.FLAG_NOT_FOUND },
    });
    expect(await client.getBooleanDetails('plain', true, {})).toMatchObject({
      ...{ value: true, errorCode: ErrorCode.TARGETING_KEY_MISSING },
    });
    expect(await client.getNumberDetails('text', 5, USER)).toMatchObject({
      ...{ value: 5, errorCode: ErrorCode.TYPE_MISMATCH },
    });
  });
});
