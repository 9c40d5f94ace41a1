// Secrets by name, read over the real AWS clients from a stand-in of both stores; and what the functions do with them:
// a rotation reaches a running function without a deployment and costs no webhook.

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { signWebhook } from '../../../core/webhook.ts';
import { parseBusCredentials } from '../../../functions/bus/credentials.ts';
import { parseSecretReference, readSecret } from '../../../functions/settings/secrets.ts';
import { CREDS } from '../../support/bus/creds.ts';

const values = new Map<string, string>();
const asked: { readonly action: string; readonly body: Record<string, unknown>; readonly region: string }[] =
  [];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text) as Record<string, string>;
    const action = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
    const region = /Credential=[^/]+\/\d+\/([^/]+)/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    asked.push({ action, body, region });
    const value = values.get(body.SecretId ?? body.Name ?? '');
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    if (value === undefined) {
      response.writeHead(400).end(JSON.stringify({ __type: 'ResourceNotFoundException', message: 'no' }));
    } else {
      const answer = action === 'GetParameter' ? { Parameter: { Value: value } } : { SecretString: value };
      response.end(JSON.stringify(answer));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));

beforeEach(() => {
  values.clear();
  asked.length = 0;
  vi.resetModules();
  const env = {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'x',
    AWS_SECRET_ACCESS_KEY: 'x',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: url,
    AWS_ENDPOINT_URL_SSM: url,
  };
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
});
afterEach(() => vi.unstubAllEnvs());

describe('a reference', () => {
  it.each([
    ['datafile-fanout/projects', { store: 'secretsmanager', name: 'datafile-fanout/projects' }],
    ['ssm:/fanout/projects', { store: 'ssm', name: '/fanout/projects' }],
    [
      'arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf',
      { store: 'secretsmanager', name: 'arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf' },
    ],
    ['ssm:', null],
    ['[{"projectId": 1}]', null],
  ])('%s', (text, expected) => {
    expect(parseSecretReference(text)).toEqual(expected);
  });
});

describe('readSecret()', () => {
  it('asks Secrets Manager by name', async () => {
    values.set('a/b', 'text');
    expect(await readSecret({ store: 'secretsmanager', name: 'a/b' })).toBe('text');
    expect(asked).toEqual([{ action: 'GetSecretValue', body: { SecretId: 'a/b' }, region: 'us-east-1' }]);
  });

  it('asks the region that an ARN names', async () => {
    const name = 'arn:aws:secretsmanager:eu-west-1:1:secret:a-AbCdEf';
    values.set(name, 'text');
    await readSecret({ store: 'secretsmanager', name });
    expect(asked[0]?.region).toBe('eu-west-1');
  });

  it('asks Parameter Store for the decrypted value', async () => {
    values.set('/a', 'text');
    expect(await readSecret({ store: 'ssm', name: '/a' })).toBe('text');
    expect(asked[0]).toMatchObject({ action: 'GetParameter', body: { Name: '/a', WithDecryption: true } });
  });

  it('names the secret that is not there, and what to check', async () => {
    await expect(readSecret({ store: 'secretsmanager', name: 'gone' })).rejects.toMatchObject({
      code: 'SECRET_UNAVAILABLE',
      message: 'The secret gone could not be read from secretsmanager (ResourceNotFoundException)',
      fields: { secret: 'gone' },
    });
  });
});

describe('the NATS secret', () => {
  it.each([{ user: 'u', password: 'p' }, { token: 't' }, { creds: CREDS }])('holds %o', (credentials) => {
    expect(parseBusCredentials(JSON.stringify(credentials))).toEqual(credentials);
  });

  it.each(['', 'null', '{"user":"hidden"}', '{"token":7}', 'hidden'])(
    'the NATS secret is refused: %s',
    (text) => {
      const attempt = () => parseBusCredentials(text);
      expect(attempt).toThrow('holds no credentials');
      expect(attempt).not.toThrow('hidden');
    },
  );
});

describe('the webhook function with secrets by name', () => {
  const table = (...secrets: string[]) =>
    JSON.stringify([{ projectId: '7', secrets, datafiles: [{ sdkKey: 'k', environment: 'e' }] }]);
  /** Authentic and about nothing of ours: 204 without S3. */
  const body = JSON.stringify({ project_id: 7, event: 'project.something_else', data: {} });
  const signedBy = (secret: string) =>
    ({
      rawPath: '/webhooks/optimizely',
      headers: { 'x-hub-signature': signWebhook(Buffer.from(body), secret) },
      body,
      isBase64Encoded: false,
      requestContext: { stage: '$default', requestId: 'r', http: { method: 'POST' } },
    }) as unknown as APIGatewayProxyEventV2;
  const status = async (handler: (event: APIGatewayProxyEventV2) => Promise<unknown>, secret: string) =>
    ((await handler(signedBy(secret))) as { statusCode: number }).statusCode;

  beforeEach(() => {
    const env = {
      FANOUT_BUCKET: 'b',
      FANOUT_TOPIC_ARN: 'arn:aws:sns:us-east-1:0:t',
      FANOUT_NATS_URL: 'ws://127.0.0.1:1',
      FANOUT_PROJECTS_SECRET: 'the/projects',
      FANOUT_NATS_SECRET: 'the/nats',
      FANOUT_LOG_LEVEL: 'silent',
      POWERTOOLS_METRICS_DISABLED: 'true',
    };
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    vi.stubEnv('FANOUT_PROJECTS', undefined);
    values.set('the/nats', '{"user":"u","password":"p"}');
  });
  afterEach(() => void vi.useRealTimers());

  it('accepts what the secret signed, and a rotated secret at its first webhook', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    values.set('the/projects', table('old'));
    const { handler } = await import('../../../functions/webhook/handler.ts');
    expect(await status(handler, 'old')).toBe(204);
    values.set('the/projects', table('new'));
    vi.setSystemTime(Date.now() + 6_000);
    expect(await status(handler, 'new')).toBe(204);
    expect(await status(handler, 'old')).toBe(401);
  });

  it('reads the store once for many webhooks, forged ones among them', async () => {
    values.set('the/projects', table('old'));
    const { handler } = await import('../../../functions/webhook/handler.ts');
    for (const secret of ['old', 'forged', 'old', 'forged']) await status(handler, secret);
    expect(asked.filter((one) => one.body.SecretId === 'the/projects')).toHaveLength(1);
  });

  it('answers 503 while the secret could never be read, without naming it, and recovers', async () => {
    const { handler } = await import('../../../functions/webhook/handler.ts');
    const answer = (await handler(signedBy('old'))) as { statusCode: number; body: string };
    expect(answer.statusCode).toBe(503);
    expect(answer.body).not.toContain('the/projects');
    values.set('the/projects', table('old'));
    expect(await status(handler, 'old')).toBe(204);
  });
});
