// Where a running `npm run up` leaves its addresses for the commands of other terminals: a folder for each stack, so that
// several of one checkout do not hide each other. It holds the local webhook secret, so only its owner may read it.

import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FanoutError } from '../../../core/errors.ts';
import { ROOT_DIR } from '../root.ts';
import type { StackAddresses } from './options.ts';

const STACKS_DIR = join(ROOT_DIR, '.local', 'stacks');
const STACK_FILE = 'stack.json';
const OWNER_ONLY = 0o600;

/** What other terminals are told of a stack. */
export interface RunningStack extends StackAddresses {
  readonly run: {
    readonly pid: number;
    readonly startedAtMs: number;
    /** A file with the output of every process. */
    readonly logsDir: string;
    /** Variables with which `fanout` works on this stack. */
    readonly env: Readonly<Record<string, string>>;
  };
}

export interface StackPlace {
  readonly file: string;
  /** The same variables for a shell: `set -a; . FILE`. */
  readonly envFile: string;
  readonly logsDir: string;
}

/** FANOUT_STACK_FILE names another place than the stack's own folder in the checkout. */
export function stackPlace(
  pid: number,
  file: string | undefined = process.env.FANOUT_STACK_FILE,
): StackPlace {
  const dir = file === undefined ? join(STACKS_DIR, String(pid)) : dirname(file);
  return { file: file ?? join(dir, STACK_FILE), envFile: join(dir, 'env'), logsDir: join(dir, 'logs') };
}

export async function writeStack(place: StackPlace, stack: RunningStack): Promise<void> {
  await mkdir(dirname(place.file), { recursive: true });
  // Removed first: a file that exists keeps its mode.
  await rm(place.file, { force: true });
  await rm(place.envFile, { force: true });
  await writeFile(place.envFile, shellText(stack.run.env), { mode: OWNER_ONLY });
  await writeFile(place.file, `${JSON.stringify(stack, null, 2)}\n`, { mode: OWNER_ONLY });
}

/** The logs stay, to be read after the end, until another stack is started. */
export async function removeStack({ file, envFile }: StackPlace): Promise<void> {
  await Promise.all([file, envFile].map((path) => rm(path, { force: true })));
}

/** What stacks left that have ended. */
export async function removeEndedStacks(stacksDir: string = STACKS_DIR): Promise<void> {
  for (const name of await readdir(stacksDir).catch(() => []))
    if (!isAlive(Number(name))) await rm(join(stacksDir, name), { recursive: true, force: true });
}

export interface ReadStackOptions {
  readonly file?: string | undefined;
  readonly stacksDir?: string;
  /** Told when there are several to choose from. */
  readonly note?: (line: string) => void;
}

/** The stack that was started last and still runs. @throws FanoutError STACK_FAILED when there is none */
export async function readStack({
  file = process.env.FANOUT_STACK_FILE,
  stacksDir = STACKS_DIR,
  note = () => {},
}: ReadStackOptions = {}): Promise<RunningStack> {
  const files =
    file === undefined
      ? (await readdir(stacksDir).catch(() => [])).map((name) => join(stacksDir, name, STACK_FILE))
      : [file];
  const found = (await Promise.all(files.map(readOne))).filter((stack) => stack !== null);
  const newestFirst = found.toSorted((a, b) => b.run.startedAtMs - a.run.startedAtMs);
  const [running, ...others] = newestFirst.filter(({ run }) => isAlive(run.pid));
  if (running === undefined) throw noStack(newestFirst[0]);
  if (others.length > 0)
    note(
      `${others.length + 1} local stacks run; this is the one of ${timeOf(running)} (FANOUT_STACK_FILE names another).`,
    );
  return running;
}

/** @throws FanoutError STACK_FAILED when no stack runs */
export const readAddresses = (options?: ReadStackOptions): Promise<StackAddresses> => readStack(options);

async function readOne(file: string): Promise<RunningStack | null> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as RunningStack;
  } catch {
    return null; // Gone meanwhile, or never there: the caller says so of all of them.
  }
}

function isAlive(pid: number): boolean {
  try {
    return Number.isInteger(pid) && process.kill(pid, 0);
  } catch (error) {
    // It runs, and is another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

const timeOf = ({ run }: RunningStack): string => new Date(run.startedAtMs).toTimeString().slice(0, 5);

const noStack = (ended: RunningStack | undefined) =>
  new FanoutError({
    code: 'STACK_FAILED',
    message: ended === undefined ? 'No local stack runs' : `The local stack of ${timeOf(ended)} is gone`,
    remedy: 'Start one in another terminal with `npm run up`.',
    retryable: true,
  });

/** For any POSIX shell. */
const shellText = (env: Readonly<Record<string, string>>): string =>
  Object.entries(env)
    .map(([name, value]) => `${name}='${value.replaceAll("'", `'\\''`)}'\n`)
    .join('');
