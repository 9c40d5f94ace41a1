// `npm run up` as a person or a script uses it: a process with options, one line of JSON, and nothing left when it ends.

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';
import { decide, putFlip, sendWebhook } from '../../infra/local/stack/client.ts';
import type { StackAddresses } from '../../infra/local/stack/options.ts';
import { ROOT_DIR } from '../../infra/local/stack/parts.ts';
import { freePorts } from '../../infra/local/stack/ports.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';

interface Up {
  /** What it leaves for other terminals. */
  readonly file: string;
  readonly process: ChildProcess;
  readonly stdout: string[];
  readonly stderr: string[];
  /** Exit code or signal. */
  readonly ended: Promise<number | string>;
}

async function up(...args: string[]): Promise<Up> {
  const file = join(await tempDir(), 'stack.json');
  const child = spawn(process.execPath, ['infra/local/up.ts', ...args], {
    cwd: ROOT_DIR,
    // A stack that a developer runs from this folder keeps its own file.
    env: { ...process.env, FANOUT_STACK_FILE: file },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const stdout: string[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => stdout.push(line));
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'nothing'));
  });
  return { file, process: child, stdout, stderr, ended };
}

async function addressesOf(running: Up): Promise<StackAddresses> {
  const line = await eventually('the line of JSON', () => running.stdout[0], 60_000);
  return JSON.parse(line) as StackAddresses;
}

const isServing = (url: string): Promise<boolean> =>
  fetch(url).then(
    () => true,
    () => false,
  );

async function expectNothingServes({ cdn, s3, webhook, agents }: StackAddresses): Promise<void> {
  for (const url of [cdn, s3.endpoint, webhook, ...agents.flatMap(({ api, admin }) => [api, admin])]) {
    await eventually(`${url} is gone`, async () => !(await isServing(url)));
  }
}

it('prints exactly one line of JSON, with which a flag can be flipped, and leaves nothing after SIGTERM', async () => {
  const base = await freePorts(Math.random).next();
  const at = (offset: number) => `http://127.0.0.1:${base + offset}`;
  const running = await up('--json', '--agents', '2', '--port-base', String(base));
  const addresses = await addressesOf(running);
  expect(Object.keys(addresses)).toEqual([
    'webhook',
    'cdn',
    's3',
    'nats',
    'agents',
    'projectId',
    'webhookSecret',
    'sdkKey',
  ]);
  expect(addresses.webhook).toBe(`${at(0)}/webhooks/optimizely`);
  expect(addresses.agents.map(({ api, admin }) => [api, admin])).toEqual([
    [at(8), at(9)],
    [at(10), at(11)],
  ]);

  const { sdkKey, agents } = addresses;
  const [before] = await Promise.all(agents.map(({ api }) => decide(api, sdkKey, 'flag_1')));
  const datafile = await putFlip(addresses, sdkKey, 'flag_1');
  expect((await sendWebhook(addresses, datafile)).status).toBe(204);
  for (const { api } of agents) {
    await eventually(
      'the decision turns',
      async () => (await decide(api, sdkKey, 'flag_1')).enabled !== before?.enabled,
    );
  }

  running.process.kill('SIGTERM');
  expect(await running.ended).toBe(0);
  expect(running.stdout).toHaveLength(1);
  await expectNothingServes(addresses);
});

it('leaves nothing when it is killed outright', async () => {
  const running = await up('--json', '--agents', '1');
  const addresses = await addressesOf(running);
  running.process.kill('SIGKILL');
  await running.ended;
  await expectNothingServes(addresses);
});

it('says what is wrong with an option and where all are listed, and exits with 2', async () => {
  const running = await up('--agents', 'some');
  expect(await running.ended).toBe(2);
  expect(running.stdout).toEqual([]);
  expect(running.stderr[0]).toBe('error: --agents takes a whole number from 0 to 200, not "some"');
  expect(running.stderr.slice(1)).toEqual(['  `npm run up -- --help` lists the options.']);
});

it('refuses a file that is no datafile before it starts anything', async () => {
  const running = await up('--datafile', 'package.json');
  expect(await running.ended).toBe(1);
  expect(running.stderr[0]).toMatch(/^error: The datafile of \S+ has format version/);
});

interface Said {
  readonly code: number;
  readonly text: string;
}

/** Another command of this checkout, on the stack that was started with this file. */
const say = (file: string, args: readonly string[]): Promise<Said> =>
  new Promise((resolve) => {
    const env = { ...process.env, FANOUT_STACK_FILE: file };
    execFile(process.execPath, [...args], { cwd: ROOT_DIR, env }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), text: out + err }),
    );
  });

it('is met by flip and fanout --local: a flag that is not there, a pinned key, and its end in disorder', async () => {
  const running = await up('--json', '--agents', '1');
  const { sdkKey } = await addressesOf(running);
  await eventually('the file is there', () => stat(running.file).catch(() => undefined));
  const flip = (flag: string) => say(running.file, ['infra/local/flip.ts', flag]);
  const fanout = (line: string) => say(running.file, ['infra/cli/main.ts', ...line.split(' '), '--local']);

  expect(await flip('checkout')).toMatchObject({ code: 0, text: expect.stringContaining('turned on') });
  const nosuch = await flip('nosuch');
  expect(nosuch.code).toBe(1);
  expect(nosuch.text).toMatch(
    /^error: The datafile has no flag nosuch\n {2}Name one .*checkout, price, banner/,
  );
  expect(nosuch.text).not.toMatch(/^ +at /m);

  expect((await fanout(`datafile pin ${sdkKey} --reason freeze`)).code).toBe(0);
  expect(await flip('checkout')).toMatchObject({
    code: 1,
    text: expect.stringMatching(/^error: \S+ is pinned \(freeze\): no webhook moves it\n.*datafile unpin/),
  });
  expect((await fanout(`datafile unpin ${sdkKey}`)).code).toBe(0);
  const followed = await fanout('logs --revision 2');
  expect(followed).toMatchObject({ code: 0, text: expect.stringContaining('1 agent serves it') });

  running.process.kill('SIGKILL');
  await running.ended;
  const gone = await flip('checkout');
  expect(gone).toMatchObject({
    code: 1,
    text: expect.stringMatching(/The local stack of \d\d:\d\d is gone/),
  });
  expect(await fanout('doctor')).toMatchObject({ text: expect.stringContaining('is gone') });
});

const onUnix = it.skipIf(process.platform === 'win32'); // There npm ends its children itself.
onUnix('npm run agent ends with npm, although the shell between passes no signal on', async () => {
  const ports = freePorts(Math.random);
  const [api, admin] = [await ports.next(), await ports.next()];
  const npm = spawn('npm', ['run', 'agent'], {
    cwd: ROOT_DIR,
    env: {
      ...process.env,
      OPTIMIZELY_API_PORT: String(api),
      OPTIMIZELY_ADMIN_PORT: String(admin),
      OPTIMIZELY_SERVER_HOST: '127.0.0.1',
      AGENT_WORKERS: '1',
    },
    stdio: 'ignore',
  });
  onTestFinished(() => void npm.kill('SIGKILL'));
  const url = `http://127.0.0.1:${api}/health/live`;
  await eventually('it serves', () => isServing(url), 30_000);
  npm.kill('SIGTERM');
  await eventually('it is gone', async () => !(await isServing(url)), 15_000);
});
