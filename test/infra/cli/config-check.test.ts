// `fanout config check` as a process.

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tempDir } from '../../support/temp-dir.ts';
import { fanout } from './support/fanout.ts';

const TABLE = '[{"projectId":"42","secrets":["never-shown"],"datafiles":[{"sdkKey":"k","environment":"e"}]}]';
const GOOD = {
  FANOUT_BUCKET: 'b',
  FANOUT_NATS_URL: 'wss://nats.example.com',
  FANOUT_PROJECTS: TABLE,
  FANOUT_TOPIC_ARN: 'arn:aws:sns:eu-west-1:000000000000:t',
};

const check = (args: readonly string[], env: Record<string, string>) =>
  fanout(['config', 'check', ...args], env);

describe('config check', () => {
  it('says that the settings of the functions are right', async () => {
    expect(await check([], GOOD)).toMatchObject({ code: 0, out: 'ok: role home, projects: 1\n', err: '' });
  });

  it('names every problem at once, and no secret', async () => {
    const table = TABLE.replace('"42"', '"forty-two"');
    const ended = await check([], { FANOUT_PROJECTS: table, FANOUT_NATS_URL: 'nats://x' });
    expect(ended.code).toBe(1);
    for (const name of ['FANOUT_BUCKET', 'FANOUT_TOPIC_ARN', 'FANOUT_NATS_URL', 'projectId'])
      expect(ended.out).toContain(name);
    expect(ended.out + ended.err).not.toContain('never-shown');
  });

  it('reads a project table from a file', async () => {
    const path = join(await tempDir(), 'projects.json');
    await writeFile(path, TABLE.replace('"k"', '"not a key"'));
    const ended = await check(['--projects', path, '--json'], GOOD);
    expect(ended.code).toBe(1);
    expect(ended.json()).toMatchObject({
      ok: false,
      problems: [expect.stringContaining('[0].datafiles[0].sdkKey')],
    });
    const missing = await check(['--projects', `${path}.nope`], GOOD);
    expect(missing).toMatchObject({ code: 2, out: '' });
  });

  it('checks the receiver, which needs no topic', async () => {
    const { FANOUT_TOPIC_ARN: _, ...env } = GOOD;
    expect(await check(['--of', 'receiver'], env)).toMatchObject({ code: 0 });
    const wrong = await check(['--of', 'receiver'], { ...env, FANOUT_PORT: 'eighty' });
    expect(wrong.code).toBe(1);
    expect(wrong.out).toContain('FANOUT_PORT');
  });

  it("checks an agent's settings file", async () => {
    const path = join(await tempDir(), 'config.yaml');
    await writeFile(path, 'sdkKeys: [good]\napi:\n  port: 99999\n');
    const wrong = await check(['--of', 'agent', '--file', path], {});
    expect(wrong.code).toBe(1);
    expect(wrong.out).toContain('api.port');
    await writeFile(path, 'sdkKeys: [good]\n');
    expect(await check(['--of', 'agent', '--file', path], {})).toMatchObject({ code: 0 });
  });

  it.each([
    ['an unknown part', ['--of', 'nats'], 'Allowed choices are functions, receiver, agent'],
    ['a file that is not read', ['--file', 'x.yaml'], '--of agent'],
  ])('refuses %s', async (_, args, said) => {
    const ended = await check(args, GOOD);
    expect(ended.code).toBe(2);
    expect(ended.err).toContain(said);
  });
});
