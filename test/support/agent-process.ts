// The one way in which tests run an agent as a process: on free ports, in an environment of its own, ended after the test.

import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished } from 'vitest';
import { ROOT_DIR } from '../../infra/local/root.ts';
import { AGENT_BUNDLE } from '../../infra/local/stack/parts.ts';
import { COMPILE_CACHE } from './compile-cache.ts';
import { eventually } from './eventually.ts';

const AGENT_SOURCE = join(ROOT_DIR, 'agent/main.ts');

/** What to start in place of a command: one that runs it in other surroundings. */
export type Wrap = (command: string, args: readonly string[]) => [command: string, args: string[]];

export interface AgentProcessOptions {
  readonly env: Readonly<Record<string, string>>;
  /** The sources unless the built bundle is asked for. */
  readonly isBuilt?: boolean;
  readonly args?: readonly string[];
  readonly cwd?: string;
  readonly wrap?: Wrap;
  /** Settings are the caller's alone: neither free ports nor one worker are given. */
  readonly isBare?: boolean;
}

export interface LogLine {
  readonly event: string;
  readonly [field: string]: unknown;
}

export class AgentProcess {
  readonly child: ChildProcess;
  /** Everything it has printed, on either stream. */
  readonly lines: string[] = [];
  /** Its exit code, or the signal that ended it; all of its output has been read. */
  readonly ended: Promise<number | string>;

  constructor({ env, isBuilt, args = [], cwd, wrap = asItIs, isBare }: AgentProcessOptions) {
    const [command, words] = wrap(process.execPath, [isBuilt ? AGENT_BUNDLE : AGENT_SOURCE, ...args]);
    this.child = spawn(command, words, {
      ...(cwd === undefined ? {} : { cwd }),
      env: {
        PATH: process.env.PATH,
        ...(isBuilt ? {} : COMPILE_CACHE),
        ...(isBare ? {} : FREE),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr])
      createInterface({ input: stream as NodeJS.ReadableStream }).on('line', (line) => this.lines.push(line));
    this.ended = new Promise((resolve) => {
      this.child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
  }

  /** What it has logged; lines that are no JSON are left out. */
  get logged(): LogLine[] {
    return this.lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));
  }

  /** The first line of that event, once it is there. */
  line(event: string): Promise<LogLine> {
    return eventually(event, () => this.logged.find((one) => one.event === event));
  }

  async ports(): Promise<{
    readonly apiPort: number;
    readonly adminPort: number;
    readonly webhookPort: number;
  }> {
    const { apiPort, adminPort, webhookPort } = await this.line('agent.started');
    return { apiPort: Number(apiPort), adminPort: Number(adminPort), webhookPort: Number(webhookPort) };
  }

  /** Asks it to end, and resolves when it has. */
  stop(): Promise<number | string> {
    this.child.kill('SIGTERM');
    return this.ended;
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }
}

const FREE = {
  OPTIMIZELY_API_PORT: '0',
  OPTIMIZELY_ADMIN_PORT: '0',
  OPTIMIZELY_WEBHOOK_PORT: '0',
  OPTIMIZELY_SERVER_HOST: '127.0.0.1',
  AGENT_WORKERS: '1',
};

const asItIs: Wrap = (command, args) => [command, [...args]];

/** An agent that is killed after the test if it still runs. */
export function runAgent(options: AgentProcessOptions): AgentProcess {
  const agent = new AgentProcess(options);
  onTestFinished(() => agent.kill());
  return agent;
}
