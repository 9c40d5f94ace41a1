// One packaged zip as Lambda runs it: unpacked into a folder of its own, in a process of its own, fed over the runtime API
// one event at a time. Nothing of the sources is loaded.

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import {
  answer,
  answerJson,
  type HttpServer,
  pathOf,
  readBody,
  serveHttp,
} from '../../../infra/local/tools/http.ts';

export type Outcome =
  | { readonly result: unknown }
  | { readonly error: { readonly errorType: string; readonly errorMessage: string } };

interface Invocation {
  readonly id: string;
  readonly event: unknown;
  readonly settle: (outcome: Outcome) => void;
}

const ANSWER_BYTES_MAX = 6 * 1024 * 1024;
const DEADLINE_MS = 60_000;
const ANSWER_PATH = /^\/2018-06-01\/runtime\/invocation\/([^/]+)\/(response|error)$/;

export class LambdaRuntime {
  readonly lines: string[] = [];
  readonly #waiting: Invocation[] = [];
  readonly #running = new Map<string, Invocation>();
  #next: (() => void) | null = null;
  #server: HttpServer | undefined;
  #child: ChildProcess | undefined;
  #dir = '';

  /** @param zip path of the packaged zip */
  async start(zip: string, env: Readonly<Record<string, string>>): Promise<this> {
    this.#dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-lambda-'));
    const root = join(this.#dir, 'task');
    await mkdir(root);
    for (const [name, contents] of Object.entries(unzipSync(await readFile(zip))))
      await writeFile(join(root, name), contents);
    this.#server = await serveHttp((request, response) => this.#serve(request, response), 0);
    const child = spawn(process.execPath, [join(import.meta.dirname, 'lambda-bootstrap.mjs')], {
      cwd: root,
      env: {
        ...env,
        AWS_LAMBDA_RUNTIME_API: new URL(this.#server.url).host,
        LAMBDA_TASK_ROOT: root,
        _HANDLER: 'index.handler',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => this.lines.push(...text.trim().split('\n')));
    child.once('exit', (code) => this.#fail(`the process ended with ${code}: ${this.lines.join('\n')}`));
    this.#child = child;
    return this;
  }

  invoke(event: unknown): Promise<Outcome> {
    return new Promise((settle) => {
      this.#waiting.push({ id: randomUUID(), event, settle });
      this.#next?.();
    });
  }

  async stop(): Promise<void> {
    const child = this.#child;
    const ended = new Promise((resolve) => child?.once('exit', resolve));
    if (child?.kill('SIGKILL')) await ended;
    await this.#server?.close();
    await rm(this.#dir, { recursive: true, force: true });
  }

  #serve: Parameters<typeof serveHttp>[0] = async (request, response) => {
    const path = pathOf(request);
    const [, id = '', kind] = ANSWER_PATH.exec(path) ?? [];
    if (path.endsWith('/invocation/next')) {
      if (this.#waiting.length === 0) await new Promise<void>((resolve) => (this.#next = resolve));
      const invocation = this.#waiting.shift();
      if (invocation === undefined) return answer(response, 500);
      this.#running.set(invocation.id, invocation);
      response.setHeader('lambda-runtime-aws-request-id', invocation.id);
      response.setHeader('lambda-runtime-deadline-ms', String(Date.now() + DEADLINE_MS));
      return answerJson(response, 200, invocation.event);
    }
    const value = JSON.parse((await readBody(request, ANSWER_BYTES_MAX)).toString());
    if (path.endsWith('/init/error')) this.#fail(value.errorMessage);
    this.#running.get(id)?.settle(kind === 'error' ? { error: value } : { result: value });
    this.#running.delete(id);
    return answer(response, 202);
  };

  #fail(errorMessage: string): void {
    for (const { settle } of [...this.#waiting.splice(0), ...this.#running.values()])
      settle({ error: { errorType: 'Runtime', errorMessage } });
  }
}
