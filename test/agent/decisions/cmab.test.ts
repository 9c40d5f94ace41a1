import { describe, expect, it, onTestFinished } from 'vitest';
import type { CacheSettings, CmabSettings } from '../../../agent/config/config.ts';
import { FlagClients } from '../../../agent/decisions/clients.ts';
import { Cmab } from '../../../agent/decisions/cmab/cmab.ts';
import { RedisConnections } from '../../../agent/services/redis.ts';
import type { Answer } from '../../../agent/services/requester.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { redisServer, startTestRedis } from '../../support/redis.ts';
import { KEY, realClock } from '../support/fakes.ts';
import { outsideDatafile, PREDICTED_RULE_ID } from '../support/outside-datafile.ts';

const MEMORY: CacheSettings = { kind: 'in-memory', size: 100, timeoutMs: 60_000 };
const A = '81';
const said = (text: string): Answer => ({ status: 200, text });
const predicts = (variationId: unknown): Answer => ({
  status: 200,
  text: JSON.stringify({ predictions: [{ variation_id: variationId }] }),
});

interface Instance {
  readonly visitorId: string;
  readonly cmabUUID: string;
}

function predicted(respond: (attempt: number) => Answer, settings: Partial<CmabSettings> = {}) {
  const clock = new FakeClock();
  const asked: { readonly url: string; readonly timeoutMs: number; readonly instance: Instance }[] = [];
  const troubles: string[] = [];
  const onFailure = ({ what }: { what: string }) => void troubles.push(what);
  const redis = new RedisConnections({ clock: realClock, onFailure });
  onTestFinished(() => redis.stop());
  const cmab = new Cmab(
    {
      ...{ predictionEndpoint: 'http://cmab/%s/predict', requestTimeoutMs: 7, cache: MEMORY },
      retry: { maxRetries: 0, initialBackoffMs: 0, maxBackoffMs: 0, backoffMultiplier: 2 },
      ...settings,
    },
    {
      ...{ clock, redis, onFailure },
      ask: async (_service, url, { body = '', timeoutMs }) => {
        asked.push({ url, timeoutMs, instance: JSON.parse(body).instances[0] });
        return respond(asked.length);
      },
    },
  );
  const dispatcher = { dispatchEvent: async () => ({}) };
  const outside = { odp: null, cmab };
  const clients = new FlagClients({ dispatcher, outside, onCloseFailed: () => {} });
  const client = async (revision = 1) => {
    const { sha256, body } = parseDatafile(outsideDatafile(revision, null), { sdkKey: KEY });
    const { built } = await clients.build(body, sha256, { sdkKey: KEY });
    onTestFinished(() => built.retire());
    return built;
  };
  const decide = async (user: string, attributes = {}, options: string[] = [], revision = 1) => {
    const context = (await client(revision)).sdk.createUserContext(user, attributes);
    return cmab.traced(() => context.decideAsync('predicted_flag', options as never));
  };
  return { decide, asked, troubles, clock };
}

describe('predictions', () => {
  it('predictions are asked of the endpoint for the rule, and give the variation and their own id', async () => {
    const { decide, asked } = predicted(() => predicts(A));
    const { value, ids } = await decide('ann', { country: 'SE' });
    expect(value).toMatchObject({ variationKey: 'variation_a', ruleKey: 'predicted_rule', enabled: true });
    expect(asked).toMatchObject([
      {
        url: `http://cmab/${PREDICTED_RULE_ID}/predict`,
        timeoutMs: 7,
        instance: {
          ...{ visitorId: 'ann', experimentId: PREDICTED_RULE_ID },
          attributes: [{ id: '91', value: 'SE', type: 'custom_attribute' }],
        },
      },
    ]);
    expect(ids).toEqual(new Map([[PREDICTED_RULE_ID, asked[0]?.instance.cmabUUID]]));
  });

  it('predictions are kept over revisions, with their id, until the attributes change', async () => {
    const { decide, asked } = predicted(() => predicts(A));
    const first = await decide('ann', { country: 'SE' });
    const second = await decide('ann', { country: 'SE' }, [], 2);
    expect(asked).toHaveLength(1);
    expect(second.ids).toEqual(first.ids);
    const third = await decide('ann', { country: 'NO' });
    expect(asked).toHaveLength(2);
    expect(third.ids).not.toEqual(first.ids);
    await decide('ben', { country: 'NO' });
    expect(asked).toHaveLength(3);
  });

  it('predictions are kept no longer than configured', async () => {
    const { decide, asked, clock } = predicted(() => predicts(A));
    await decide('ann');
    clock.advance(60_000);
    await decide('ann');
    expect(asked).toHaveLength(2);
  });

  it.each([
    ['IGNORE_CMAB_CACHE', 3, 3],
    ['INVALIDATE_USER_CMAB_CACHE', 3, 3],
    ['RESET_CMAB_CACHE', 3, 4],
  ])('predictions are made anew with %s', async (option, then, atLast) => {
    const { decide, asked } = predicted(() => predicts(A));
    await decide('ann');
    await decide('ben');
    await decide('ann', {}, [option]);
    expect(asked).toHaveLength(then);
    await decide('ben');
    expect(asked).toHaveLength(atLast);
  });

  it('predictions are asked for again as often as configured, and then there is no variation', async () => {
    const retry = { maxRetries: 2, initialBackoffMs: 0, maxBackoffMs: 0, backoffMultiplier: 2 };
    const { decide, asked, troubles } = predicted(() => ({ status: 503, text: '' }), { retry });
    const { value, ids } = await decide('ann');
    expect(value.variationKey).toBeNull();
    expect(ids.size).toBe(0);
    expect(asked).toHaveLength(3);
    expect(troubles).toEqual(['prediction', 'prediction', 'prediction']);
  });

  it.each([
    '',
    '[]',
    '{}',
    '{"predictions":[]}',
    '{"predictions":[{"variation_id":""}]}',
    '{"predictions":[{}]}',
  ])('predictions are asked for again where the answer names no variation: %s', async (text) => {
    const retry = { maxRetries: 1, initialBackoffMs: 0, maxBackoffMs: 0, backoffMultiplier: 2 };
    const { decide, asked } = predicted((attempt) => (attempt === 1 ? said(text) : predicts(A)), { retry });
    expect((await decide('ann')).value.variationKey).toBe('variation_a');
    expect(asked).toHaveLength(2);
  });

  it('predictions of a variation that the rule does not have are none, and are not kept', async () => {
    const retry = { maxRetries: 3, initialBackoffMs: 0, maxBackoffMs: 0, backoffMultiplier: 2 };
    const { decide, asked, troubles } = predicted(() => predicts('83'), { retry });
    const { value, ids, unknown } = await decide('ann');
    expect(value).toMatchObject({ variationKey: null, ruleKey: null });
    expect([ids.size, unknown]).toEqual([0, new Map([[PREDICTED_RULE_ID, '83']])]);
    expect(asked).toHaveLength(1);
    expect(troubles).toEqual(['prediction']);
    await decide('ann');
    expect(asked).toHaveLength(2);
  });

  it('predictions are kept by rule, for a user of any id', async () => {
    const { decide } = predicted(() => predicts(A));
    const first = await decide('an-n-71');
    expect((await decide('an-n-71')).ids).toEqual(first.ids);
    expect([...first.ids.keys()]).toEqual([PREDICTED_RULE_ID]);
  });

  it('arrive at a later attempt', async () => {
    const retry = { maxRetries: 1, initialBackoffMs: 0, maxBackoffMs: 0, backoffMultiplier: 2 };
    const { decide, asked } = predicted(
      (attempt) => (attempt === 1 ? { status: 500, text: '' } : predicts(A)),
      {
        retry,
      },
    );
    expect((await decide('ann')).value.variationKey).toBe('variation_a');
    expect(asked).toHaveLength(2);
    expect(asked[0]?.instance.cmabUUID).toBe(asked[1]?.instance.cmabUUID);
  });

  it('predictions are made without a cache when that is away', async () => {
    const redis = { host: '127.0.0.1', port: 1, username: null, password: null, database: 0, tls: false };
    const { decide, troubles } = predicted(() => predicts(A), {
      cache: { kind: 'redis', redis, timeoutMs: 0 },
    });
    expect((await decide('ann')).value.variationKey).toBe('variation_a');
    expect(troubles).toContain('cache');
  });
});

const found = await redisServer();
const missing = 'missing' in found ? found.missing : null;
const inRedis = it.skipIf(missing !== null); // None there, none to be installed; the title says why.

inRedis(`predictions are shared through Redis${missing === null ? '' : ` (${missing})`}`, async () => {
  const server = await startTestRedis('path' in found ? found.path : '');
  onTestFinished(() => server.close());
  const { port } = server;
  const redis = { host: '127.0.0.1', port, username: null, password: null, database: 0, tls: false };
  const cache: CacheSettings = { kind: 'redis', redis, timeoutMs: 60_000 };
  const [one, two] = [predicted(() => predicts(A), { cache }), predicted(() => predicts(A), { cache })];
  const { ids } = await one.decide('ann');
  expect((await two.decide('ann')).ids).toEqual(ids);
  expect(two.asked).toHaveLength(0);
  await two.decide('ben', {}, ['RESET_CMAB_CACHE']);
  await one.decide('ann');
  expect(one.asked).toHaveLength(2);
});
