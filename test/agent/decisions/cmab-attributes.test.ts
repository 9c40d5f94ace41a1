// By which attributes predictions are asked for, where the datafile names some that it does not have.

import { expect, it, onTestFinished } from 'vitest';
import { FlagClients } from '../../../agent/decisions/clients.ts';
import { Cmab } from '../../../agent/decisions/cmab/cmab.ts';
import { RedisConnections } from '../../../agent/services/redis.ts';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { KEY, realClock } from '../support/fakes.ts';
import { outsideDatafile } from '../support/outside-datafile.ts';

/** Decides by prediction for a user of Sweden; what was asked, and what was left out of the datafile. */
async function predictedBy(attributeIds: readonly unknown[], change: (datafile: Loose) => void = () => {}) {
  const datafile = JSON.parse(outsideDatafile(1, null).toString());
  datafile.experiments[0].cmab.attributeIds = attributeIds;
  change(datafile);
  const asked: unknown[] = [];
  const onFailure = () => {};
  const cmab = new Cmab(
    {
      ...{ predictionEndpoint: 'http://cmab/%s', requestTimeoutMs: 7 },
      cache: { kind: 'in-memory', size: 1, timeoutMs: 1 },
      retry: { maxRetries: 0, initialBackoffMs: 0, maxBackoffMs: 0, backoffMultiplier: 2 },
    },
    {
      ...{ clock: realClock, redis: new RedisConnections({ clock: realClock, onFailure }), onFailure },
      ask: async (_service, _url, { body = '' }) => {
        asked.push(JSON.parse(body).instances[0].attributes);
        return { status: 200, text: '{"predictions":[{"variation_id":"81"}]}' };
      },
    },
  );
  const dispatcher = { dispatchEvent: async () => ({}) };
  const clients = new FlagClients({ dispatcher, outside: { odp: null, cmab }, onCloseFailed: () => {} });
  const { sha256, body } = parseDatafile(Buffer.from(JSON.stringify(datafile)), { sdkKey: KEY });
  const { built, leftOut } = await clients.build(body, sha256, { sdkKey: KEY });
  onTestFinished(() => built.retire());
  const user = built.sdk.createUserContext('ann', { country: 'SE' });
  const { value } = await cmab.traced(() => user.decideAsync('predicted_flag'));
  return { variationKey: value.variationKey, asked, leftOut };
}

// biome-ignore lint/suspicious/noExplicitAny: a parsed datafile, of any shape.
type Loose = any;

const COUNTRY = { id: '91', value: 'SE', type: 'custom_attribute' };

it.each([[['91', 'gone']], [['constructor', '91']], [[null, '91', {}]]])(
  'are those that the datafile has, of %j',
  async (attributeIds) => {
    const { variationKey, asked } = await predictedBy(attributeIds);
    expect(asked).toEqual([[COUNTRY]]);
    expect(variationKey).toBe('variation_a');
  },
);

it('are none where it has none, and it is told that they were left out', async () => {
  const { variationKey, asked, leftOut } = await predictedBy(['91'], (it) => delete it.attributes);
  expect([variationKey, asked]).toEqual(['variation_a', [[]]]);
  expect(leftOut).toMatchObject([{ what: 'attribute "91"', flagKeys: ['predicted_flag'] }]);
});
