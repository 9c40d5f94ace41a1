// The Lambda entries: they start from the environment alone, and say what is wrong with it when it is wrong.

import type { APIGatewayProxyEventV2, SNSEvent } from 'aws-lambda';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GOLDEN } from '../fixtures/golden-webhook.ts';

const ENV = {
  FANOUT_BUCKET: 'b',
  FANOUT_TOPIC_ARN: 'arn:aws:sns:us-east-1:0:t',
  FANOUT_NATS_URL: 'ws://127.0.0.1:1',
  FANOUT_S3_ENDPOINT: 'http://127.0.0.1:1',
  FANOUT_SNS_ENDPOINT: 'http://127.0.0.1:1',
  FANOUT_PROJECTS: JSON.stringify([
    {
      projectId: '11387641093',
      secrets: [GOLDEN.secret],
      datafiles: [{ sdkKey: 'QMVJcUKEJZFg8pQ2jhAybK', environment: 'Production' }],
    },
  ]),
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'x',
  AWS_SECRET_ACCESS_KEY: 'x',
  FANOUT_LOG_LEVEL: 'silent',
  POWERTOOLS_METRICS_DISABLED: 'true',
};

beforeEach(() => {
  vi.resetModules();
  for (const [name, value] of Object.entries(ENV)) vi.stubEnv(name, value);
});
afterEach(() => vi.unstubAllEnvs());

const webhookEvent = (signature: string) =>
  ({
    rawPath: '/webhooks/optimizely',
    headers: { 'x-hub-signature': signature },
    body: GOLDEN.body,
    isBase64Encoded: false,
    requestContext: { stage: '$default', requestId: 'r', http: { method: 'POST' } },
  }) as unknown as APIGatewayProxyEventV2;

describe('the webhook function', () => {
  it('answers in the form that API Gateway wants', async () => {
    const { handler } = await import('../../functions/webhook/handler.ts');
    expect(await handler(webhookEvent('sha1=00'))).toMatchObject({
      statusCode: 401,
      headers: { 'content-type': 'application/json' },
      body: expect.stringContaining('SIGNATURE_INVALID'),
    });
  });

  it('answers 503, not 2xx, when neither S3 nor SNS is there', async () => {
    const { handler } = await import('../../functions/webhook/handler.ts');
    expect(await handler(webhookEvent(GOLDEN.signature))).toMatchObject({ statusCode: 503 });
  });
});

const noticeEvent = { Records: [{ Sns: { Message: '{}' } }] } as unknown as SNSEvent;

it.each(['bridge', 'reconcile'])('the %s function hands failures to Lambda', async (name) => {
  const { handler } = await import(`../../functions/${name}/handler.ts`);
  await expect(handler(noticeEvent)).rejects.toThrow();
});

it.each(['webhook', 'bridge', 'reconcile'])(
  'the %s function refuses wrong settings at its start',
  async (name) => {
    vi.stubEnv('FANOUT_BUCKET', '');
    await expect(import(`../../functions/${name}/handler.ts`)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    });
  },
);
