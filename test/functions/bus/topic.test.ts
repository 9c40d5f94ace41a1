// Notices over the real AWS SDK, against the local SNS: the kind as an attribute, and failures told in time.

import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { decodeNotice, NOTICE_SCHEMA, type Notice } from '../../../core/bus/notice.ts';
import type { ChangeId, Seq } from '../../../core/ids.ts';
import { createTopic } from '../../../functions/bus/topic.ts';
import { localTopicArn } from '../../../infra/local/aws/sns.ts';
import { type HttpServer, serveHttp } from '../../../infra/local/tools/http.ts';
import { KEY } from '../../support/datafiles.ts';

let received: URLSearchParams[] = [];
let server: HttpServer;
beforeAll(async () => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  vi.stubEnv('AWS_REGION', 'us-east-1');
  server = await serveHttp(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    received.push(new URLSearchParams(Buffer.concat(chunks).toString()));
    response
      .writeHead(200, { 'content-type': 'text/xml' })
      .end('<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>');
  }, 0);
});
afterAll(async () => {
  await server.close();
  vi.unstubAllEnvs();
});

const common = { schema: NOTICE_SCHEMA, sdkKey: KEY, revision: 3, changeId: 'c' as ChangeId } as const;
const published: Notice = { ...common, kind: 'published', seq: 2 as Seq };
const refetch: Notice = { ...common, kind: 'refetch', receivedAtMs: 5 };

it.each([published, refetch])('a notice is a message with its kind as an attribute (%#)', async (notice) => {
  received = [];
  await createTopic({ topicArn: localTopicArn('t'), endpoint: server.url }).publish(notice);
  const form = received[0] as URLSearchParams;
  expect(form.get('TopicArn')).toBe(localTopicArn('t'));
  expect(decodeNotice(form.get('Message') ?? '')).toEqual(notice);
  expect(form.get('MessageAttributes.entry.1.Name')).toBe('kind');
  expect(form.get('MessageAttributes.entry.1.Value.DataType')).toBe('String');
  expect(form.get('MessageAttributes.entry.1.Value.StringValue')).toBe(notice.kind);
});

it('a topic that cannot be reached is an error with a remedy', async () => {
  const topic = createTopic({ topicArn: localTopicArn('t'), endpoint: 'http://127.0.0.1:1' });
  await expect(topic.publish(published)).rejects.toMatchObject({
    code: 'TOPIC_UNAVAILABLE',
    retryable: true,
    fields: { sdkKey: KEY, kind: 'published' },
  });
});
