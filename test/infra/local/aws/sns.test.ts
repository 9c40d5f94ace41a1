import { CreateTopicCommand, PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import type { SNSEvent } from 'aws-lambda';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createSnsStandIn, MESSAGE_BYTES_MAX } from '../../../../infra/local/aws/sns.ts';
import { DELIVERY_DELAY_MS, LAMBDA_RETRY_DELAYS_MS } from '../../../../infra/local/aws/sns-delivery.ts';
import { answer, type HttpHandler, readBody, serveHttp } from '../../../../infra/local/tools/http.ts';
import { eventually } from '../../../support/eventually.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

/** A function behind HTTP that fails the first `failures` times. */
async function lambda(failures = 0) {
  const events: SNSEvent[] = [];
  let calls = 0;
  const handler: HttpHandler = async (request, response) => {
    events.push(JSON.parse((await readBody(request, 1_000_000)).toString()));
    calls++;
    if (calls <= failures) return answer(response, 500, {}, '{"errorType":"Error","errorMessage":"no bus"}');
    return answer(response, 200, {}, 'null');
  };
  const server = await serveHttp(handler, 0);
  onTestFinished(() => server.close());
  return { invokeUrl: `${server.url}/invoke`, events, close: server.close };
}

async function topic(subscriptions: { functionName: string; invokeUrl: string; kind?: string }[]) {
  const clock = new ManualClock();
  const server = await serveHttp(createSnsStandIn({ clock, subscriptions }), 0);
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const sns = new SNSClient({ endpoint: server.url, region: 'us-east-1', maxAttempts: 1, credentials });
  onTestFinished(async () => {
    sns.destroy();
    await server.close();
  });
  const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: 'changes' }));
  const publish = async (Message: string, kind = 'published') => {
    const sent = await sns.send(
      new PublishCommand({
        TopicArn,
        Message,
        MessageAttributes: { kind: { DataType: 'String', StringValue: kind } },
      }),
    );
    clock.advance(DELIVERY_DELAY_MS);
    return sent;
  };
  const read = async (path: string) => (await fetch(`${server.url}${path}`)).json() as Promise<never>;
  const setCopies = (copies: number) =>
    fetch(`${server.url}/knobs`, { method: 'PUT', body: JSON.stringify({ copies }) });
  return { clock, url: server.url, publish, read, setCopies, TopicArn };
}

describe('the SNS stand-in', () => {
  it('delivers a message to a function as the event that SNS makes of it', async () => {
    const bridge = await lambda();
    const { publish, TopicArn } = await topic([{ functionName: 'bridge', invokeUrl: bridge.invokeUrl }]);
    const message = '{"sdkKey":"a+b/=&","ü":"<\\"&>"}';
    const { MessageId } = await publish(message);
    expect(MessageId).toMatch(/^[0-9a-f-]{36}$/);
    await eventually('delivery', () => bridge.events.length === 1);
    expect(bridge.events[0]?.Records).toHaveLength(1);
    expect(bridge.events[0]?.Records[0]).toMatchObject({
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      EventSubscriptionArn: `${TopicArn}:bridge`,
      Sns: {
        Type: 'Notification',
        TopicArn,
        Message: message,
        Timestamp: '2023-11-14T22:13:20.000Z',
        MessageAttributes: { kind: { Type: 'String', Value: 'published' } },
      },
    });
  });

  it('delivers only the kind that a subscription filters on', async () => {
    const [bridge, reconcile] = [await lambda(), await lambda()];
    const { publish } = await topic([
      { functionName: 'bridge', invokeUrl: bridge.invokeUrl, kind: 'published' },
      { functionName: 'reconcile', invokeUrl: reconcile.invokeUrl, kind: 'refetch' },
    ]);
    await publish('one', 'published');
    await publish('two', 'refetch');
    await eventually('both', () => bridge.events.length === 1 && reconcile.events.length === 1);
    expect(bridge.events[0]?.Records[0]?.Sns.Message).toBe('one');
    expect(reconcile.events[0]?.Records[0]?.Sns.Message).toBe('two');
  });

  it('tries a failed function again after one and two minutes, as Lambda does', async () => {
    const bridge = await lambda(2);
    const { clock, publish, read } = await topic([{ functionName: 'bridge', invokeUrl: bridge.invokeUrl }]);
    await publish('m');
    await eventually('the first retry waits', () => clock.waitingCount === 1);
    clock.advance((LAMBDA_RETRY_DELAYS_MS[0] as number) - 1);
    expect(bridge.events).toHaveLength(1);
    clock.advance(1);
    await eventually('the second retry waits', () => bridge.events.length === 2 && clock.waitingCount === 1);
    clock.advance(LAMBDA_RETRY_DELAYS_MS[1] as number);
    await eventually(
      'delivered',
      async () => ((await read('/stats')) as { delivered: number }).delivered === 1,
    );
    expect(await read('/dlq')).toEqual([]);
  });

  it('puts what failed three times into the dead-letter queue, once', async () => {
    const bridge = await lambda(99);
    const { clock, publish, read, url } = await topic([
      { functionName: 'bridge', invokeUrl: bridge.invokeUrl },
    ]);
    await publish('lost');
    for (const delayMs of LAMBDA_RETRY_DELAYS_MS) {
      await eventually('a retry waits', () => clock.waitingCount === 1);
      clock.advance(delayMs);
    }
    const letters = await eventually('a dead letter', async () => {
      const all = (await read('/dlq')) as { attempts: number; error: string; event: SNSEvent }[];
      return all.length > 0 && all;
    });
    expect(letters).toHaveLength(1);
    expect(letters[0]).toMatchObject({
      functionName: 'bridge',
      attempts: 3,
      error: expect.stringContaining('no bus'),
    });
    expect(letters[0]?.event.Records[0]?.Sns.Message).toBe('lost');
    expect(clock.waitingCount).toBe(0);
    await fetch(`${url}/dlq`, { method: 'DELETE' });
    expect(await read('/dlq')).toEqual([]);
  });

  it('treats a function that is away like one that fails', async () => {
    const gone = await lambda();
    await gone.close();
    const { clock, publish } = await topic([{ functionName: 'bridge', invokeUrl: gone.invokeUrl }]);
    await publish('m');
    await eventually('a retry waits', () => clock.waitingCount === 1);
  });

  it('the SNS stand-in can deliver twice, or not at all, for tests of both', async () => {
    const bridge = await lambda();
    const { publish, setCopies, read } = await topic([
      { functionName: 'bridge', invokeUrl: bridge.invokeUrl },
    ]);
    await setCopies(2);
    await publish('twice');
    await eventually('two deliveries', () => bridge.events.length === 2);
    await setCopies(0);
    await publish('lost');
    expect(await read('/stats')).toMatchObject({ published: 2, delivered: 2, waiting: 0 });
  });

  it('refuses more than 256 KiB of message and attributes with InvalidParameter', async () => {
    const { publish, read } = await topic([]);
    const attributeBytes = 'kindStringpublished'.length;
    await publish('x'.repeat(MESSAGE_BYTES_MAX - attributeBytes));
    await expect(publish('x'.repeat(MESSAGE_BYTES_MAX - attributeBytes + 1))).rejects.toMatchObject({
      name: 'InvalidParameterException',
      message: 'Invalid parameter: Message too long',
    });
    await expect(publish('ü'.repeat(MESSAGE_BYTES_MAX / 2))).rejects.toMatchObject({
      name: 'InvalidParameterException',
    });
    expect(await read('/stats')).toMatchObject({ published: 1 });
  });
});
