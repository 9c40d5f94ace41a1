// `fanout webhook list|register|remove` as a process, against a stand-in of Optimizely's API.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ended, fanout } from './support/fanout.ts';
import { Optimizely, TOKEN } from './support/optimizely.ts';

const URL = 'https://hooks.example.com/webhooks/optimizely';
const DATAFILE_UPDATED = 'project.datafile_updated';

let api: Optimizely;
beforeEach(async () => {
  api = await new Optimizely().start();
});
afterEach(() => api.stop());

const run = (line: string, env: Record<string, string> = {}): Promise<Ended> =>
  fanout(['webhook', ...line.split(' ')], {
    OPTIMIZELY_API_TOKEN: TOKEN,
    OPTIMIZELY_API_URL: api.url,
    ...env,
  });

const everythingSaid = ({ out, err }: Ended): string => out + err;

describe('webhook list', () => {
  it('shows what all pages hold', async () => {
    for (const i of [1, 2, 3, 4, 5]) api.add({ url: `https://example.com/${i}` });
    const ended = await run('list --project 42');
    expect(ended).toMatchObject({ code: 0, err: '' });
    expect(ended.out.split('\n').filter((line) => /^100\d {2}active/.test(line))).toHaveLength(5);
    expect(api.asked).toHaveLength(3);
  });

  it('gives the same as one JSON document', async () => {
    api.add({ url: URL, active: false });
    const { code, json } = await run('list --project 42 --json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({
      projectId: '42',
      webhooks: [{ id: '1000', url: URL, active: false, events: [DATAFILE_UPDATED] }],
    });
  });

  it('takes the project from the environment where none is named', async () => {
    expect((await run('list', { OPTIMIZELY_PROJECT_ID: '42' })).code).toBe(0);
  });

  it('says so when there is none', async () => {
    expect(await run('list --project 42')).toMatchObject({ code: 0, out: 'Project 42 has no webhooks.\n' });
  });

  it('sends the token to no other host, also where the next page is said to be on one', async () => {
    const other = await new Optimizely().start();
    try {
      for (const i of [1, 2, 3]) api.add({ url: `https://example.com/${i}` });
      api.nextPageOrigin = other.url;
      const ended = await run('list --project 42');
      expect(ended.code).toBe(3);
      expect(ended.err).toContain('where the token does not belong');
      expect(other.asked).toEqual([]);
    } finally {
      await other.stop();
    }
  });
});

describe('what the other side may answer', () => {
  it('a wrong token ends with 3 and its remedy, and is not printed', async () => {
    const token = 'a-wrong-token';
    const ended = await run('list --project 42', { OPTIMIZELY_API_TOKEN: token });
    expect(ended).toMatchObject({ code: 3, out: '' });
    expect(ended.err).toContain('answered 401 to GET /projects/42/webhooks: Invalid token Bearer …');
    expect(ended.err).toContain('make a new one in the app');
    expect(everythingSaid(ended)).not.toContain(token);
  });

  it('under --json a failure is a document too', async () => {
    const { code, json } = await run('list --project 42 --json', { OPTIMIZELY_API_TOKEN: 'wrong' });
    expect(code).toBe(3);
    expect(json()).toMatchObject({
      error: { code: 'REMOTE_REFUSED', retryable: false, status: 401, remedy: expect.any(String) },
    });
  });

  it('an unknown project ends with 3', async () => {
    const ended = await run('list --project 43');
    expect(ended.code).toBe(3);
    expect(ended.err).toContain('404');
  });

  it('a rate limit is waited for, and said', async () => {
    api.add({ url: URL });
    api.limited = 2;
    const ended = await run('list --project 42');
    expect(ended.code).toBe(0);
    expect(ended.err).toContain('limits the rate of requests; trying again in 0 s');
    expect(ended.out).toContain(URL);
    expect(api.asked).toHaveLength(3);
  });

  it('a rate limit of an hour is told at once, with 4', async () => {
    api.limited = 1;
    api.retryAfter = '3600';
    const ended = await run('list --project 42');
    expect(ended.code).toBe(4);
    expect(ended.err).toContain('Try again in 3600 s');
    expect(api.asked).toHaveLength(1);
  });

  it('a rate limit that does not end is given up, with 4', async () => {
    api.limited = 100;
    expect((await run('list --project 42')).code).toBe(4);
    expect(api.asked).toHaveLength(5);
  });

  it('a failing API ends with 4', async () => {
    api.failing = 503;
    const ended = await run('list --project 42');
    expect(ended.code).toBe(4);
    expect(ended.err).toContain('answered 503');
    expect(ended.err).toContain('status page');
  });

  it('an API that cannot be reached ends with 4 and says why', async () => {
    const { url } = api;
    await api.stop();
    const ended = await run('list --project 42', { OPTIMIZELY_API_URL: url });
    expect(ended.code).toBe(4);
    expect(ended.err).toMatch(/could not be asked: .*ECONNREFUSED/);
  });
});

describe('webhook register', () => {
  it('creates the webhook, and says where the secret comes from and goes to', async () => {
    const ended = await run(`register ${URL} --project 42`, { FANOUT_PROJECTS_SECRET: 'prod/projects' });
    expect(ended.code).toBe(0);
    expect(api.bodies).toEqual([
      { name: 'datafile-fanout', description: expect.any(String), url: URL, events: [DATAFILE_UPDATED] },
    ]);
    expect(ended.out).toContain(`created: ${URL} in project 42 (webhook 1000)`);
    expect(ended.out).toContain('Settings → Webhooks → datafile-fanout');
    expect(ended.out).toContain('"secrets" of project 42 in the project table: "prod/projects"');
    expect(ended.out).toContain(`fanout webhook test ${URL} --project 42`);
  });

  it('changes nothing the second time, however the URL is written', async () => {
    await run(`register ${URL} --project 42`);
    const again = await run('register HTTPS://Hooks.Example.com:443/webhooks/optimizely --project 42');
    expect(again.code).toBe(0);
    expect(again.out).toMatch(/^unchanged: /);
    expect(api.asked.filter((line) => !line.startsWith('GET'))).toHaveLength(1);
    expect(api.webhooks).toHaveLength(1);
  });

  it('adds the event to a webhook that lacks it, and keeps the others', async () => {
    api.add({ url: URL, name: 'ours', events: ['project.flag_updated'] });
    const ended = await run(`register ${URL} --project 42`);
    expect(ended.out).toMatch(/^updated: /);
    expect(api.webhooks).toMatchObject([
      { name: 'ours', events: ['project.flag_updated', DATAFILE_UPDATED] },
    ]);
  });

  it('ends with 1 when the webhook is there but not active', async () => {
    api.add({ url: URL, active: false });
    const ended = await run(`register ${URL} --project 42`);
    expect(ended.code).toBe(1);
    expect(ended.out).toContain('It is not active');
  });

  it('finds one that is on a later page', async () => {
    for (const i of [1, 2, 3, 4]) api.add({ url: `https://example.com/${i}` });
    api.add({ url: URL });
    expect((await run(`register ${URL} --project 42`)).out).toMatch(/^unchanged: /);
  });

  it('only says what it would do, when asked to', async () => {
    const ended = await run(`register ${URL} --project 42 --dry-run`);
    expect(ended.out).toMatch(/^would be created: /);
    expect(api.asked).toEqual(['GET /projects/42/webhooks']);
  });

  it('shows a secret only when asked to', async () => {
    api.secret = 'the-api-gave-it';
    const silent = await run(`register ${URL} --project 42`);
    expect(everythingSaid(silent)).not.toContain(api.secret);
    expect(silent.out).toContain('--show-secret prints it');
    api.webhooks.length = 0;
    const json = await run(`register ${URL} --project 42 --json`);
    expect(everythingSaid(json)).not.toContain(api.secret);
    api.webhooks.length = 0;
    expect((await run(`register ${URL} --project 42 --show-secret`)).out).toContain(api.secret);
  });

  it('warns of a path at which no receiver listens', async () => {
    const ended = await run('register https://hooks.example.com/hook --project 42 --dry-run');
    expect(ended.err).toContain(
      'warning: the path of https://hooks.example.com/hook is not /webhooks/optimizely',
    );
  });
});

describe('webhook remove', () => {
  it('removes by URL, and by id', async () => {
    api.add({ url: URL });
    api.add({ url: 'https://example.com/other' });
    expect(await run(`remove ${URL} --project 42`)).toMatchObject({
      code: 0,
      out: `removed: webhook 1000 (${URL})\n`,
    });
    expect((await run('remove 1001 --project 42')).code).toBe(0);
    expect(api.webhooks).toEqual([]);
  });

  it('removes nothing that the project does not have', async () => {
    api.add({ url: URL });
    const ended = await run('remove 99 --project 42');
    expect(ended.code).toBe(1);
    expect(ended.err).toContain('Project 42 has no webhook 99; nothing was removed');
    expect(api.asked).toEqual(['GET /projects/42/webhooks']);
  });
});

describe('a line that cannot be meant ends with 2 before anything is sent', () => {
  it.each([
    ['lst', "unknown command 'lst'"],
    ['list', 'Give --project or OPTIMIZELY_PROJECT_ID'],
    ['list --project forty-two', '"forty-two" is not a project id'],
    ['list --project 42 --verbose', "unknown option '--verbose'"],
    ['list --project 42 and more', 'too many arguments'],
    ['register --project 42', 'No address is named'],
    ['register http://hooks.example.com/webhooks/optimizely --project 42', 'is not an https URL'],
    ['register https://user:secret@hooks.example.com/ --project 42', 'without credentials'],
    ['remove not/a/url --project 42', 'is not an https URL'],
  ])('%s', async (line, message) => {
    const ended = await run(line);
    expect(ended).toMatchObject({ code: 2, out: '' });
    expect(ended.err).toContain(message);
    expect(api.asked).toEqual([]);
  });

  it.each([
    [{ OPTIMIZELY_API_TOKEN: ' ' }, 'OPTIMIZELY_API_TOKEN is not set'],
    [{ OPTIMIZELY_API_URL: 'http://api.example.com' }, 'OPTIMIZELY_API_URL is not an https URL'],
  ])('a line that cannot be meant ends with 2 before anything is sent with %o', async (env, message) => {
    const ended = await run('list --project 42', env);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain(message);
  });
});
