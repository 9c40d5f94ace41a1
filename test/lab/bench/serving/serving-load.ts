// One load of wrk against one server, each on a core of its own, and what the server spent on it. Linux only, as wrk and
// taskset are. Knows nothing of flags.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FanoutError } from '../../../../core/errors.ts';

const run = promisify(execFile);

export const SERVER_CORE = 0;
export const LOAD_CORE = 1;
const CONNECTIONS = 32;
/** A load asks in the name of so many users in turn: no server can keep one answer for all. */
const USERS = 1_000;
/** Linux reports processor time in hundredths of a second, with any kernel clock. */
const TICKS_PER_S = 100;

export interface Question {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** `%USER%` in it becomes the user's id. */
  readonly body: string | null;
}

export interface LoadResult {
  readonly requestsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of the server's processor, per request: steadier than the rate where others use the machine too. */
  readonly cpuUs: number;
  readonly failures: number;
}

/** @throws FanoutError TOOL_UNAVAILABLE where wrk or taskset is missing */
export async function requireTools(): Promise<void> {
  for (const [tool, args] of [
    ['wrk', ['-v']],
    ['taskset', ['-V']],
  ] as const) {
    // wrk ends with 1 when it is asked for its version.
    const isThere = await run(tool, args).then(
      () => true,
      ({ code }: { code: unknown }) => typeof code === 'number',
    );
    if (!isThere) throw missing(tool);
  }
}

/** Keeps a process and all its threads, and what it starts from now on, on one core. */
export async function pin(pid: number, core: number): Promise<void> {
  await run('taskset', ['--all-tasks', '--cpu-list', '--pid', String(core), String(pid)]);
}

/** @param dir where the script for wrk may be written. @throws Error when nothing was answered */
export async function load(
  base: string,
  question: Question,
  pid: number,
  seconds: number,
  dir: string,
): Promise<LoadResult> {
  const script = join(dir, 'load.lua');
  await writeFile(script, scriptOf(question));
  const before = await cpuS(pid);
  const wrk = ['wrk', '-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, base];
  const { stdout } = await run('taskset', ['--cpu-list', String(LOAD_CORE), ...wrk]);
  const usedS = (await cpuS(pid)) - before;
  const line = /^RESULT (.*)$/m.exec(stdout)?.[1];
  const result = JSON.parse(line ?? '{"requests":0}') as Record<string, number>;
  const { requests = 0, durationUs = 0, p50Us = 0, p99Us = 0, failures = 0 } = result;
  if (requests === 0) throw new Error(`wrk got no answer of ${base}:\n${stdout}`);
  return {
    requestsPerS: requests / (durationUs / 1e6),
    p50Ms: p50Us / 1000,
    p99Ms: p99Us / 1000,
    cpuUs: (usedS * 1e6) / requests,
    failures,
  };
}

/** In user and kernel mode, of all threads. */
async function cpuS(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The program's name, in brackets, may hold anything; 12 and 13 after it are `utime` and `stime` (proc(5)).
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

/** Requests are written once, before the load begins: the generator must not be what is measured. */
function scriptOf({ method, path, headers, body }: Question): string {
  const fields = Object.entries(headers).map(([name, value]) => `headers[${lua(name)}] = ${lua(value)}`);
  return `
local requests, at = {}, 0
init = function()
  local headers = { Host = wrk.headers["Host"] }
  ${fields.join('\n  ')}
  for user = 1, ${body === null ? 1 : USERS} do
    local body = ${body === null ? 'nil' : `(${lua(body)}):gsub("%%USER%%", "user-" .. user)`}
    requests[user] = wrk.format(${lua(method)}, ${lua(path)}, headers, body)
  end
end
request = function()
  at = at % #requests + 1
  return requests[at]
end
done = function(summary, latency)
  local errors = summary.errors
  local failures = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  print(string.format('RESULT {"requests":%d,"durationUs":%d,"p50Us":%d,"p99Us":%d,"failures":%d}',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failures))
end
`;
}

/** JSON's escapes of printable text are Lua's too. */
const lua = (text: string): string => JSON.stringify(text);

const missing = (tool: string) =>
  new FanoutError({
    code: 'TOOL_UNAVAILABLE',
    message: `${tool} is not there`,
    remedy:
      'Install wrk and util-linux (on Debian `apt-get install wrk util-linux`); this bench is for Linux.',
    retryable: false,
    fields: { tool },
  });
