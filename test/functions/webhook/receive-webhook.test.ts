// Each kind of request gets its own answer, and none but a signed change of a configured datafile touches anything.

import { describe, expect, it } from 'vitest';
import { toSdkKey } from '../../../core/ids.ts';
import { parseProjects } from '../../../core/projects.ts';
import { signWebhook, WEBHOOK_BODY_BYTES_MAX } from '../../../core/webhook.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import type { WebhookAnswer, WebhookRequest } from '../../../functions/webhook/http-event.ts';
import { receiveWebhook } from '../../../functions/webhook/receive-webhook.ts';
import { GOLDEN } from '../../fixtures/golden-webhook.ts';
import { HUSH } from '../../output/secrets.ts';
import { datafileOf, PROJECT_ID } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';

const GOLDEN_KEY = toSdkKey('QMVJcUKEJZFg8pQ2jhAybK');
const OLD_SECRET = `${HUSH}before-the-rotation`;
const projects = parseProjects(
  JSON.stringify([
    {
      projectId: PROJECT_ID,
      secrets: [OLD_SECRET, GOLDEN.secret],
      datafiles: [
        { sdkKey: GOLDEN_KEY, environment: 'Production' },
        { sdkKey: 'StagingKey1', environment: 'Staging' },
      ],
    },
  ]),
);

interface Case {
  readonly body?: string | Uint8Array | null;
  readonly signature?: string;
  readonly secret?: string;
  readonly method?: string;
  readonly path?: string;
}

function send(deps: FakeDeps, { body = GOLDEN.body, ...rest }: Case): Promise<WebhookAnswer> {
  const rawBody = body === null ? null : Buffer.from(body);
  const signed = rest.secret === undefined ? GOLDEN.signature : signWebhook(rawBody as Buffer, rest.secret);
  const request: WebhookRequest = {
    method: rest.method ?? 'POST',
    path: rest.path ?? '/webhooks/optimizely',
    rawBody,
    signature: rest.signature ?? signed,
    requestId: 'JKJaXmPLvHcESHA=',
  };
  return receiveWebhook(deps, { projects: unchanging(projects), fetchBudgetMs: 5_000, guard: null }, request);
}

const goldenDeps = (): FakeDeps => {
  const deps = fakeDeps();
  deps.cdn.serve(datafileOf(13, { sdkKey: GOLDEN_KEY }));
  return deps;
};

const payload = (more: object): string => JSON.stringify({ ...JSON.parse(GOLDEN.body), ...more });
const secret = GOLDEN.secret;

describe("Optimizely's own example", () => {
  it("Optimizely's own example is accepted, stored and announced", async () => {
    const deps = goldenDeps();
    expect(await send(deps, {})).toEqual({ status: 204 });
    expect(deps.record.headOf(GOLDEN_KEY)).toMatchObject({ seq: 1, revision: 13, cause: 'webhook' });
    expect(deps.bus.seqOf(GOLDEN_KEY)).toBe(1);
    expect(deps.topic.ofKind('published')).toHaveLength(1);
  });

  it("Optimizely's own example is accepted under either secret of a rotation", async () => {
    expect(await send(goldenDeps(), { secret: OLD_SECRET })).toEqual({ status: 204 });
  });

  it('gives its request id to every line, the manifest, the notice and the message', async () => {
    const deps = goldenDeps();
    await send(deps, {});
    const changeId = 'JKJaXmPLvHcESHA';
    expect(deps.record.headOf(GOLDEN_KEY)?.changeId).toBe(changeId);
    expect(deps.topic.notices[0]?.changeId).toBe(changeId);
    expect(deps.bus.published[0]?.headers['Df-Change-Id']).toBe(changeId);
    expect(deps.lines.length).toBeGreaterThan(4);
    expect(deps.lines.filter((line) => line.changeId !== changeId)).toEqual([]);
  });

  it('leaves no secret and no body in the log', async () => {
    const deps = goldenDeps();
    await send(deps, {});
    await send(deps, { body: payload({ event: 'x' }) });
    const log = JSON.stringify(deps.lines);
    expect(log).not.toContain(secret);
    expect(log).not.toContain(OLD_SECRET);
    expect(log).not.toContain('featureFlags');
  });
});

const flipped = (at: number): Buffer => {
  const bytes = Buffer.from(GOLDEN.body);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

const REFUSED: readonly [string, number, string, Case][] = [
  [
    'one byte changed in its revision',
    401,
    'SIGNATURE_INVALID',
    { body: flipped(GOLDEN.body.indexOf('13}')) },
  ],
  ['its first byte changed, so that it is no JSON', 401, 'SIGNATURE_INVALID', { body: flipped(0) }],
  ['its last byte changed', 401, 'SIGNATURE_INVALID', { body: flipped(GOLDEN.body.length - 1) }],
  ['a space taken out', 401, 'SIGNATURE_INVALID', { body: GOLDEN.body.replace(', ', ',') }],
  ['a truncated signature', 401, 'SIGNATURE_INVALID', { signature: GOLDEN.signature.slice(0, -1) }],
  ['a longer signature', 401, 'SIGNATURE_INVALID', { signature: `${GOLDEN.signature}0` }],
  ['sha256=', 401, 'SIGNATURE_INVALID', { signature: GOLDEN.signature.replace('sha1', 'sha256') }],
  ['a bare hash', 401, 'SIGNATURE_INVALID', { signature: GOLDEN.signature.slice(5) }],
  ['no signature', 401, 'SIGNATURE_MISSING', { signature: '' }],
  ["a stranger's secret", 401, 'SIGNATURE_INVALID', { secret: 'another' }],
  ['more than 64 KiB', 413, 'WEBHOOK_TOO_LARGE', { body: null, signature: '' }],
  ['an array as data', 400, 'WEBHOOK_INVALID', { body: payload({ data: [] }), secret }],
  ['an array as data, unsigned', 401, 'SIGNATURE_MISSING', { body: payload({ data: [] }), signature: '' }],
  ['an array as data, forged', 401, 'SIGNATURE_INVALID', { body: payload({ data: [] }) }],
  ['no revision', 400, 'WEBHOOK_INVALID', { body: payload({ data: { environment: 'Production' } }), secret }],
  ['no event', 400, 'WEBHOOK_INVALID', { body: payload({ event: undefined }), secret }],
  ['no project', 400, 'WEBHOOK_INVALID', { body: payload({ project_id: undefined }), secret }],
  ['no JSON, but signed', 400, 'WEBHOOK_INVALID', { body: 'hello', secret }],
  ['no JSON, and not signed', 401, 'SIGNATURE_MISSING', { body: 'hello', signature: '' }],
  ['an empty body', 401, 'SIGNATURE_INVALID', { body: '' }],
  ['another method', 405, 'METHOD_REFUSED', { method: 'GET', body: '', signature: '' }],
  ['another path', 404, 'ROUTE_UNKNOWN', { path: '/webhooks/other' }],
];

describe('a webhook with', () => {
  it.each(REFUSED)('%s is answered %i %s, and nothing changes', async (_, status, code, request) => {
    const deps = goldenDeps();
    const answer = await send(deps, request);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ code, error: expect.any(String), remedy: expect.any(String) });
    expect(Object.keys(answer.body ?? {})).toEqual(['code', 'error', 'remedy']);
    expectUntouched(deps);
    expect(deps.lines).toContainEqual(expect.objectContaining({ event: 'webhook.rejected', status, code }));
    expect(deps.counts.get('WebhookRejected')).toBe(1);
  });
});

const IGNORED: readonly [string, Case][] = [
  ['an event that is not about datafiles', { body: payload({ event: 'project.created' }), secret }],
  ['an approval event with an array as data', { body: payload({ event: 'approval', data: [1] }), secret }],
  ['a project that is not configured', { body: payload({ project_id: 5 }), signature: '' }],
  [
    'a project that is not configured, signed by a stranger',
    { body: payload({ project_id: 5 }), secret: 'x' },
  ],
  [
    'an SDK key that is not configured',
    { body: payloadFor('https://cdn.optimizely.com/datafiles/Other.json'), secret },
  ],
  ['an environment that is not configured', { body: payloadFor('https://x/', 'Development'), secret }],
];

describe('nothing is done, and 204 answered, for', () => {
  it.each(IGNORED)('%s', async (_, request) => {
    const deps = goldenDeps();
    expect(await send(deps, request)).toEqual({ status: 204 });
    expectUntouched(deps);
    expect(deps.lines).toContainEqual(expect.objectContaining({ event: 'webhook.ignored' }));
  });

  it('an event that is not about datafiles only when it is signed', async () => {
    const answer = await send(goldenDeps(), { body: payload({ event: 'project.created' }) });
    expect(answer.status).toBe(401);
  });
});

describe('which datafiles a webhook touches', () => {
  it('is the key that its URL names, with any host in the URL', async () => {
    const deps = goldenDeps();
    const body = payloadFor(`https://evil.example/datafiles/${GOLDEN_KEY}.json`, 'Staging');
    expect((await send(deps, { body, secret })).status).toBe(204);
    expect([...deps.record.manifests.keys()]).toEqual([GOLDEN_KEY]);
  });

  it('is the keys of its environment when the URL names none, compared without case', async () => {
    const deps = goldenDeps();
    deps.cdn.serve(datafileOf(13, { sdkKey: 'StagingKey1' }));
    expect((await send(deps, { body: payloadFor('https://x/', 'sTAGING'), secret })).status).toBe(204);
    expect([...deps.record.manifests.keys()]).toEqual(['StagingKey1']);
  });
});

function payloadFor(cdnUrl: string, environment = 'Production'): string {
  return payload({ data: { cdn_url: cdnUrl, environment, revision: 13 } });
}

function expectUntouched({ record, bus, topic, cdn }: FakeDeps): void {
  expect({ writes: record.writes, reads: record.reads, asked: cdn.asked }).toEqual({
    writes: 0,
    reads: 0,
    asked: [],
  });
  expect(bus.published).toEqual([]);
  expect(topic.notices).toEqual([]);
}

it('the limit is 64 KiB', () => expect(WEBHOOK_BODY_BYTES_MAX).toBe(65_536));
