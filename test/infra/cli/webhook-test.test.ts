// `fanout webhook test` as a process, against the receiver's own code behind a small HTTP server; and what every other answer
// is taken to mean.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseProjects } from '../../../core/projects.ts';
import { SIGNATURE_HEADER, WEBHOOK_PATH } from '../../../core/webhook.ts';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { receiveWebhook } from '../../../functions/webhook/receive-webhook.ts';
import { judgeForged, judgeSigned } from '../../../infra/cli/webhook-verdict.ts';
import { answer, type HttpServer, pathOf, readBody, serveHttp } from '../../../infra/local/tools/http.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';
import { type Ended, fanout } from './support/fanout.ts';

const SECRET = 'the-webhook-secret';
const PROJECTS = parseProjects(
  JSON.stringify([
    { projectId: 42, secrets: [SECRET], datafiles: [{ sdkKey: 'key', environment: 'Production' }] },
  ]),
);

let deps: FakeDeps;
let server: HttpServer;
/** Answers in place of the receiver, when it is set. */
let instead: { readonly status: number; readonly headers?: Record<string, string> } | null;

beforeEach(async () => {
  deps = fakeDeps();
  instead = null;
  server = await serveHttp(async (request, response) => {
    const rawBody = await readBody(request, 64 * 1024);
    if (instead !== null) {
      answer(response, instead.status, instead.headers);
      return;
    }
    const settings = { projects: unchanging(PROJECTS), fetchBudgetMs: 1_000, guard: null };
    const received = await receiveWebhook(deps, settings, {
      method: request.method ?? '',
      path: pathOf(request),
      rawBody,
      signature: String(request.headers[SIGNATURE_HEADER] ?? ''),
      requestId: 'request-1',
    });
    answer(response, received.status, {}, JSON.stringify(received.body ?? {}));
  }, 0);
});
afterEach(() => server.close());

const run = (project = '42', env: Record<string, string> = {}, path = WEBHOOK_PATH): Promise<Ended> =>
  fanout(['webhook', 'test', `${server.url}${path}`, '--project', project], {
    FANOUT_WEBHOOK_SECRET: SECRET,
    ...env,
  });

const URL_OF_RECEIVER = new URL('https://hooks.example.com/webhooks/optimizely');

describe('webhook test', () => {
  it('webhook test is accepted by a receiver that knows project and secret, and leaves nothing behind', async () => {
    const { code, out } = await run();
    expect(code).toBe(0);
    expect(out).toMatch(/^signed +→ {2}204 {2}in \d+ ms\nwrongly signed +→ {2}401 {2}in \d+ ms\nok: /);
    expect(deps.lines.map(({ event, reason }) => reason ?? event)).toEqual([
      'other-event',
      'webhook.answered',
      'webhook.rejected',
    ]);
    expect(deps.topic.notices).toEqual([]);
    expect(deps.cdn.asked).toEqual([]);
  });

  it('ends with 3 when the secret is another, without showing either', async () => {
    const ended = await run('42', { FANOUT_WEBHOOK_SECRET: 'another-secret' });
    expect(ended.code).toBe(3);
    expect(ended.out).toContain('knows project 42, but not this secret');
    expect(ended.out + ended.err).not.toContain('another-secret');
  });

  it('webhook test is not taken in by the 204 of a receiver that does not know the project', async () => {
    const { code, out } = await run('43');
    expect(code).toBe(1);
    expect(out).toContain('the receiver does not know the project');
    expect(out).toContain('Add project 43 to the project table');
  });

  it('says where the receiver listens when the path is another', async () => {
    const { code, out } = await run('42', {}, '/hook');
    expect(code).toBe(1);
    expect(out).toContain(`ends in ${WEBHOOK_PATH}`);
  });

  it('follows no redirect with what it signed', async () => {
    instead = { status: 301, headers: { location: `${server.url}/elsewhere` } };
    const { code, out } = await run();
    expect(code).toBe(1);
    expect(out).toContain('signed          →  301');
    expect(out).toContain('Register the address that it leads to');
  });

  it('reports a throttled route at once', async () => {
    instead = { status: 429, headers: { 'retry-after': '30' } };
    const { code, out } = await run();
    expect(code).toBe(4);
    expect(out).toContain('The route is throttled');
  });

  it('gives the same as one JSON document', async () => {
    const ended = await fanout(
      ['webhook', 'test', `${server.url}${WEBHOOK_PATH}`, '--project', '42', '--json'],
      { FANOUT_WEBHOOK_SECRET: SECRET },
    );
    expect(ended.json()).toMatchObject({
      ok: true,
      projectId: '42',
      steps: [
        { sent: 'signed', status: 204 },
        { sent: 'wrongly signed', status: 401 },
      ],
    });
  });

  it('ends with 2 without a secret to sign with', async () => {
    const ended = await run('42', { FANOUT_WEBHOOK_SECRET: '' });
    expect(ended.code).toBe(2);
    expect(ended.err).toContain('FANOUT_WEBHOOK_SECRET is not set');
  });

  it('ends with 4 where no server listens', async () => {
    await server.close();
    const ended = await run();
    expect(ended.code).toBe(4);
    expect(ended.err).toContain('ECONNREFUSED');
  });
});

describe('what an answer means', () => {
  it.each([
    [200, 1, 'something other than the receiver'],
    [202, 1, 'rather than 204'],
    [400, 1, 'does not take the event'],
    [403, 3, 'in front of the receiver refused'],
    [405, 1, 'takes no POST'],
    [413, 1, 'no body of this size'],
    [418, 1, 'answered 418, which the receiver never does'],
    [500, 4, 'The receiver failed'],
    [502, 4, 'no usable answer'],
    [503, 4, 'not available'],
    [504, 4, 'took too long'],
    [599, 4, 'answered 599'],
  ])('%i to what is rightly signed ends with %i', (status, exit, meaning) => {
    const verdict = judgeSigned({ status, text: '' }, URL_OF_RECEIVER, '42');
    expect(verdict).toMatchObject({ ok: false, exit, meaning: expect.stringContaining(meaning) });
    expect(verdict.remedy).not.toBe('');
  });

  it("an agent's own webhook port refuses a signature as Optimizely's Agent does, with 400", () => {
    const refusal = {
      status: 400,
      text: '{"error":"Computed signature does not match signature in request."}',
    };
    expect(judgeSigned(refusal, URL_OF_RECEIVER, '42')).toMatchObject({ ok: false, exit: 3 });
    expect(judgeForged(refusal, '42')).toMatchObject({ ok: true, exit: 0 });
  });

  it('any other answer to a wrong signature is a failure', () => {
    for (const status of [200, 202, 204, 302])
      expect(judgeForged({ status, text: '' }, '42')).toMatchObject({ ok: false, exit: 1 });
    expect(judgeForged({ status: 503, text: '' }, '42')).toMatchObject({ ok: false, exit: 4 });
  });
});
