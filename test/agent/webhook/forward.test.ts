// The agent's own webhook port with a receiver: what goes through, and what comes back.

import { describe, expect, it, onTestFinished } from 'vitest';
import { signWebhook } from '../../../core/webhook.ts';
import { GOLDEN } from '../../fixtures/golden-webhook.ts';
import { startAgent } from '../support/agent.ts';
import { startHttp, type TestAnswer } from '../support/http.ts';

async function setUp(answer: TestAnswer | null, userInfo = '') {
  const receiver = await startHttp(() => answer as TestAnswer);
  if (answer === null) await receiver.close();
  else onTestFinished(receiver.close);
  const agent = await startAgent({
    settings: {
      webhook: {
        port: 0,
        receiverUrl: `${receiver.url.replace('//', `//${userInfo}`)}/hooks?a=b`,
        projects: new Map(),
      },
    },
  });
  const post = (body: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${agent.webhookPort}/webhooks/optimizely`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    });
  return { agent, receiver, post };
}

describe('a webhook with a receiver', () => {
  it('arrives there as it is, with its signature still good', async () => {
    const { receiver, post } = await setUp({ status: 200, body: '{"status":"published"}' });
    const { body, secret, signature } = GOLDEN;
    await post(body, {
      'X-Hub-Signature': signature,
      'X-Request-Id': 'r1',
      'User-Agent': 'AppEngine-Google',
    });
    const [seen] = receiver.seen;
    expect(seen).toMatchObject({ method: 'POST', url: '/hooks?a=b', body });
    expect(seen?.headers).toMatchObject({
      ...{ 'x-hub-signature': signature, 'x-request-id': 'r1', 'user-agent': 'AppEngine-Google' },
      ...{ 'content-type': 'application/json', 'content-length': String(body.length) },
      host: new URL(receiver.url).host,
    });
    expect(signWebhook(Buffer.from(seen?.body ?? ''), secret)).toBe(signature);
  });

  it('arrives with the credentials of the receiver, unless the webhook brought its own', async () => {
    const { receiver, post } = await setUp({ status: 204 }, 'hooks:hush-p%40@');
    await post('{}');
    await post('{}', { authorization: 'Bearer b' });
    const basic = `Basic ${Buffer.from('hooks:hush-p@').toString('base64')}`;
    expect(receiver.seen.map(({ headers }) => headers.authorization)).toEqual([basic, 'Bearer b']);
  });

  it.each([
    { status: 200, headers: { 'content-type': 'application/json' }, body: '{"status":"published"}' },
    { status: 401, headers: { 'content-type': 'application/json' }, body: '{"error":"SIGNATURE_INVALID"}' },
    { status: 503, headers: { 'content-type': 'text/plain' }, body: 'later' },
    { status: 204, headers: {} },
  ] as const)('is answered as the receiver answers: $status', async (answer) => {
    const { post } = await setUp(answer);
    const response = await post('{}');
    expect(response.status).toBe(answer.status);
    expect(await response.text()).toBe('body' in answer ? answer.body : '');
    if ('content-type' in answer.headers)
      expect(response.headers.get('content-type')).toBe(answer.headers['content-type']);
  });

  it('a webhook with a receiver is refused with a clear answer and a line in the log when the receiver is away', async () => {
    const { agent, post } = await setUp(null);
    const response = await post('{}');
    expect(response.status).toBe(502);
    expect(await response.json()).toEqual({ error: 'the receiver of webhooks does not answer' });
    expect(agent.log.of('webhook.rejected')[0]?.fields).toMatchObject({ code: 'RECEIVER_FAILED' });
  });

  it('a webhook with a receiver is refused when the receiver answers without end: no more is read than an answer may have', async () => {
    const { agent, post } = await setUp({ status: 200, body: 'x'.repeat(1_000_000) });
    expect((await post('{}')).status).toBe(502);
    expect(agent.log.of('webhook.rejected')[0]?.fields).toMatchObject({
      error: expect.stringContaining('more than 65536 bytes'),
    });
  });

  it('a webhook with a receiver is not followed to other places', async () => {
    const elsewhere = await startHttp(() => ({ status: 200 }));
    onTestFinished(elsewhere.close);
    const { post } = await setUp({ status: 307, headers: { location: elsewhere.url } });
    expect((await post('{}')).status).toBe(502);
    expect(elsewhere.seen).toEqual([]);
  });
});
