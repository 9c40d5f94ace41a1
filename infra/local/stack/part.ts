// One process of the stack: started and waited for, killed or stopped, started again in the same place, its output kept
// for its owner to read. Does not know what it runs.

import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { FanoutError } from '../../../core/errors.ts';
import { isReadyMessage } from './ready.ts';
import type { Reaper } from './reaper-client.ts';

const START_TIMEOUT_MS = 30_000;
const POLL_MS = 20;
/** Agents flush events when they stop; everything else is faster. */
const STOP_GRACE_MS = 8_000;
const LINES_KEPT_MAX = 5_000;
const LINES_IN_ERROR = 15;

/** `message`: it reports itself (ready.ts). Otherwise a line of its output, or a question asked until it is true. */
export type Readiness = 'message' | RegExp | (() => Promise<boolean>);

export interface PartSpec {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly readiness: Readiness;
}

export class Part {
  readonly name: string;
  readonly #spec: PartSpec;
  readonly #reaper: Reaper;
  readonly #lines: string[] = [];
  readonly #lineListeners = new Set<(line: string) => void>();
  readonly #endListeners = new Set<(how: string) => void>();
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(spec: PartSpec, reaper: Reaper) {
    this.name = spec.name;
    this.#spec = spec;
    this.#reaper = reaper;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined;
  }

  /** The last lines of standard output and standard error, the newest last; kept over a restart. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** Returns how to stop listening. */
  onLine(listener: (line: string) => void): () => void {
    this.#lineListeners.add(listener);
    return () => this.#lineListeners.delete(listener);
  }

  /** Told of every end that `stop` and `restart` did not ask for: the signal or exit code. */
  onEnd(listener: (how: string) => void): void {
    this.#endListeners.add(listener);
  }

  /** Resolves when it is ready. @throws FanoutError STACK_FAILED when it ends first or takes longer than 30 s */
  async start(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} runs already`);
    const { command, args, env, readiness } = this.#spec;
    const usesMessage = readiness === 'message';
    const child = spawn(command, args, {
      // Ctrl-C is for the stack alone, which ends its parts in order.
      detached: true,
      stdio: usesMessage ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
      ...(env !== undefined && { env: { ...env } }),
    });
    const { pid } = child;
    if (pid !== undefined) this.#reaper.watch(pid);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#keepLine(`${command}: ${error.message}`);
        if (pid === undefined) end();
      });
      const end = () => {
        if (pid !== undefined) this.#reaper.forget(pid);
        if (this.#child === child) this.#child = undefined;
        resolve();
      };
      child.once('exit', (code, signal) => {
        end();
        if (this.#stopping) return;
        for (const listener of this.#endListeners) listener(signal ?? `exit code ${code}`);
      });
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => this.#keepLine(line));
    }
    await this.#waitUntilReady(child);
  }

  /** Sends a signal; with SIGKILL resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child?.kill(signal);
    if (signal === 'SIGKILL') await this.#ended;
  }

  /** Asks it to end, and ends it after a grace period. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    this.#stopping = true;
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
    await this.#ended;
    clearTimeout(timer);
    this.#stopping = false;
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async #waitUntilReady(child: ChildProcess): Promise<void> {
    const { readiness } = this.#spec;
    const aborter = new AbortController();
    const { signal } = aborter;
    const timer = setTimeout(() => aborter.abort(), START_TIMEOUT_MS);
    void this.#ended.then(() => aborter.abort());
    const ready = new Promise<void>((resolve) => {
      if (readiness === 'message') child.on('message', (message) => isReadyMessage(message) && resolve());
      else if (readiness instanceof RegExp) this.#resolveOnLine(readiness, signal, resolve);
      else void pollUntil(readiness, signal).then(resolve);
    });
    const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    await Promise.race([ready, aborted]);
    clearTimeout(timer);
    if (!signal.aborted) {
      aborter.abort();
      return;
    }
    const ended = this.#child !== child;
    if (!ended) await this.kill('SIGKILL');
    throw this.#failed(
      ended ? 'ended before it was ready' : `was not ready after ${START_TIMEOUT_MS / 1000} s`,
    );
  }

  #resolveOnLine(pattern: RegExp, signal: AbortSignal, resolve: () => void): void {
    const stop = this.onLine((line) => pattern.test(line) && resolve());
    signal.addEventListener('abort', stop);
  }

  #keepLine(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT_MAX) this.#lines.shift();
    for (const listener of this.#lineListeners) listener(line);
  }

  #failed(what: string): FanoutError {
    const last = this.#lines.slice(-LINES_IN_ERROR).map((line) => `\n    ${line.slice(0, 500)}`);
    return new FanoutError({
      code: 'STACK_FAILED',
      message: `${this.name} ${what}${last.length > 0 ? `; its last lines:${last.join('')}` : ''}`,
      remedy:
        'Read what it says above; a port that is taken and a bundle that is not built are the usual causes.',
      retryable: true,
      fields: { part: this.name },
    });
  }
}

async function pollUntil(question: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && !(await question())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
