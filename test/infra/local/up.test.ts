import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { table } from '../../../infra/local/cli.ts';
import {
  type RunningStack,
  readStack,
  removeEndedStacks,
  removeStack,
  stackPlace,
  writeStack,
} from '../../../infra/local/stack/address-file.ts';
import type { StackAddresses } from '../../../infra/local/stack/options.ts';
import { parseUpOptions } from '../../../infra/local/up-options.ts';
import { upText } from '../../../infra/local/up-text.ts';
import { tempDir } from '../../support/temp-dir.ts';

const ADDRESSES: StackAddresses = {
  webhook: 'http://127.0.0.1:1/webhooks/optimizely',
  cdn: 'http://127.0.0.1:2',
  s3: { endpoint: 'http://127.0.0.1:3', bucket: 'b' },
  nats: { url: 'nats://127.0.0.1:4', wsUrl: 'ws://127.0.0.1:5' },
  agents: [{ api: 'http://127.0.0.1:6', admin: 'http://127.0.0.1:7', pid: 77 }],
  projectId: '20490310077',
  webhookSecret: 'secret-1',
  sdkKey: 'a+b/=',
};

describe('the options of npm run up', () => {
  it('the options of npm run up have defaults', () => {
    expect(parseUpOptions([])).toEqual({
      agents: 3,
      datafile: undefined,
      portBase: undefined,
      s3Endpoint: undefined,
      signed: false,
      json: false,
      help: false,
    });
  });

  it('the options of npm run up are read from their words', () => {
    const words =
      '--agents 10 --datafile d.json --port-base 9000 --s3-endpoint http://localhost:9/ --signed --json'.split(
        ' ',
      );
    expect(parseUpOptions(words)).toEqual({
      agents: 10,
      datafile: 'd.json',
      portBase: 9000,
      s3Endpoint: 'http://localhost:9',
      signed: true,
      json: true,
      help: false,
    });
  });

  it('the options of npm run up take another S3 from the environment, unless they name one', () => {
    const env = { S3_ENDPOINT: 'http://localhost:7/' };
    expect(parseUpOptions([], env).s3Endpoint).toBe('http://localhost:7');
    expect(parseUpOptions(['--s3-endpoint', 'http://localhost:9'], env).s3Endpoint).toBe(
      'http://localhost:9',
    );
    expect(parseUpOptions([], { S3_ENDPOINT: '' }).s3Endpoint).toBeUndefined();
  });

  it.each([
    [['--agents', 'many'], '--agents takes a whole number from 0 to 200, not "many"'],
    [['--agents', '201'], '--agents takes a whole number from 0 to 200, not "201"'],
    [['--agents', '1.5'], '--agents takes a whole number from 0 to 200, not "1.5"'],
    [['--port-base', '80'], '--port-base takes a whole number from 1024 to 65519, not "80"'],
    [['--port-base', '65530'], '--port-base takes a whole number from 1024 to 65519, not "65530"'],
    [
      ['--s3-endpoint', 'localhost:9000'],
      '--s3-endpoint takes a URL that begins with http:// or https://, not "localhost:9000"',
    ],
    [['--agnets', '3'], "Unknown option '--agnets'"],
    [['three'], "Unexpected argument 'three'"],
    [['--datafile'], "Option '--datafile <value>' argument missing"],
  ])('refuse %j', (words, message) => {
    expect(() => parseUpOptions(words)).toThrow(message);
  });
});

describe('the text at the end of npm run up', () => {
  const text = upText({
    place: { file: '/f', envFile: '/run/env', logsDir: '/run/logs' },
    addresses: ADDRESSES,
    snsUrl: 'http://127.0.0.1:8',
    natsPid: 99,
    flagKey: "it's",
  });

  it('names every address once', () => {
    for (const word of [
      '127.0.0.1:1/',
      '127.0.0.1:2 ',
      '127.0.0.1:3 ',
      '127.0.0.1:8 ',
      'ws://127.0.0.1:5',
      'pid 77',
      'secret-1',
    ]) {
      expect(text.split(word), word).toHaveLength(2);
    }
  });

  it('the text at the end of npm run up has three commands that a shell takes as they are', () => {
    expect(text).toMatch(/^Flip a flag {6}npm --prefix \S+ run flip -- 'it'\\''s'$/m);
    expect(text).toContain(
      `curl -s 'http://127.0.0.1:6/v1/decide?keys=it'\\''s' -H 'X-Optimizely-SDK-Key: a+b/='`,
    );
    expect(text).toMatch(/^Stop the bus {5}kill 99$/m);
  });

  it('aligns its columns', () => {
    expect(
      table([
        ['a', 'bb', 'c'],
        ['aaa', 'b', 'cc'],
      ]),
    ).toBe('a    bb  c\naaa  b   cc');
  });
});

describe('what a stack leaves for other terminals', () => {
  const stackOf = (pid: number, startedAtMs = 1): RunningStack => ({
    ...ADDRESSES,
    run: { pid, startedAtMs, logsDir: '/logs', env: { FANOUT_BUCKET: "it's" } },
  });
  /** No process has it: the system's highest is lower. */
  const GONE = 2 ** 30;
  const place = async () => stackPlace(1, join(await tempDir(), '.local', 'stack.json'));

  it('the stack file is read by other commands, by no other user, and is gone with the stack', async () => {
    const here = await place();
    await writeStack(here, stackOf(process.pid));
    expect(await readStack({ file: here.file })).toEqual(stackOf(process.pid));
    for (const path of [here.file, here.envFile]) expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(here.envFile, 'utf8')).toBe("FANOUT_BUCKET='it'\\''s'\n");
    await removeStack(here);
    await expect(readStack({ file: here.file })).rejects.toMatchObject({
      code: 'STACK_FAILED',
      message: 'No local stack runs',
      remedy: 'Start one in another terminal with `npm run up`.',
    });
  });

  it('says when it was, where the stack did not end in order', async () => {
    const here = await place();
    await writeStack(here, stackOf(GONE, new Date(2026, 0, 31, 12, 16).getTime()));
    await expect(readStack({ file: here.file })).rejects.toThrow('The local stack of 12:16 is gone');
  });

  it('is a folder of its own for each: the newest that runs is meant, and the others are mentioned', async () => {
    const stacksDir = await tempDir();
    const at = (name: number) => stackPlace(name, join(stacksDir, String(name), 'stack.json'));
    await writeStack(at(process.pid), stackOf(process.pid, 1));
    await writeStack(at(process.ppid), stackOf(process.ppid, 2));
    await writeStack(at(GONE), stackOf(GONE, 3));
    const notes: string[] = [];
    const options = { file: undefined, stacksDir, note: (line: string) => notes.push(line) };
    expect((await readStack(options)).run.pid).toBe(process.ppid);
    expect(notes).toEqual([expect.stringMatching(/^2 local stacks run; this is the one of /)]);

    await removeStack(at(process.ppid));
    expect((await readStack(options)).run.pid).toBe(process.pid);
    await removeEndedStacks(stacksDir);
    await expect(stat(at(GONE).file)).rejects.toThrow('ENOENT');
    expect((await readStack(options)).run.pid).toBe(process.pid);
  });
});
