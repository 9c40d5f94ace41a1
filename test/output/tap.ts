// Runs in every test worker: all that processes print, agents answer on their admin paths and tests collect as log lines is
// also written to files, together with the secrets that were in use. test/output/check.ts looks through them in the end.

import childProcess, { type ChildProcess } from 'node:child_process';
import { closeSync, openSync, writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { inject } from 'vitest';
import { notes, type Settings } from './notes.ts';
import { secretsOf } from './secrets.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly outputFolder: string;
  }
}

/** Answers that are for operators: none may hold a secret. */
const OPERATORS_PATH = /\/(metrics|health|info|config|debug\/vars)(\/|\?|$)/;
/** Prints the webhook's secret on purpose: it is made for the one who started it, and for one run. */
const PRINTS_ITS_OWN = /infra\/local\/(up|demo)\.ts$/;

const folder = inject('outputFolder');
const prefix = `${process.pid}-${Math.random().toString(36).slice(2)}`;
let files = 0;

const open = (name: string): number => openSync(join(folder, `${prefix}-${files++}-${name}`), 'a', 0o600);
const own = open('worker.log');
const noted = open('secrets.jsonl');

const noteOutput = (text: string): void => void writeSync(own, `${text}\n`);

function noteSettings(env: Settings): void {
  for (const secret of secretsOf(env)) writeSync(noted, `${JSON.stringify(secret)}\n`);
}

Object.assign(notes, { output: noteOutput, settings: noteSettings });

function tee(child: ChildProcess, what: string): void {
  for (const [stream, name] of [
    [child.stdout, 'out'],
    [child.stderr, 'err'],
  ] as const) {
    if (stream === null) continue;
    const file = open(`${what.replaceAll(/[^\w.-]/g, '_').slice(-60)}.${name}`);
    const push = stream.push;
    // Not with a listener: it would make the stream flow before the test that started the process listens.
    stream.push = function (this: Readable, chunk: unknown, encoding?: BufferEncoding) {
      if (typeof chunk === 'string' || chunk instanceof Uint8Array) writeSync(file, chunk as Uint8Array);
      return push.call(this, chunk, encoding);
    };
    stream.once('close', () => closeSync(file));
  }
}

for (const method of ['spawn', 'fork'] as const) {
  const start = childProcess[method] as (...args: unknown[]) => ChildProcess;
  const tapped = (...args: unknown[]): ChildProcess => {
    const child = start(...args);
    const words = [args[0], ...(Array.isArray(args[1]) ? args[1] : [])].map(String);
    const env = (args.at(-1) as { env?: NodeJS.ProcessEnv } | undefined)?.env;
    if (env !== undefined && env !== null) noteSettings(env);
    if (!words.some((word) => PRINTS_ITS_OWN.test(word))) tee(child, words.slice(0, 2).join('-'));
    return child;
  };
  Object.assign(childProcess, { [method]: tapped });
}
syncBuiltinESMExports();

const { fetch: fetchPlain } = globalThis;
globalThis.fetch = async (input, init) => {
  const response = await fetchPlain(input, init);
  const url = String(input instanceof Request ? input.url : input);
  if (OPERATORS_PATH.test(new URL(url).pathname))
    void response
      .clone()
      .text()
      .then(
        (text) => noteOutput(`GET ${url}\n${text}`),
        () => {}, // Broken off: the test did not read the rest either.
      );
  return response;
};

for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
  const print = console[method];
  console[method] = (...words: unknown[]) => {
    noteOutput(words.map(String).join(' '));
    print(...words);
  };
}
for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = ((chunk: unknown, ...rest: unknown[]) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array)
      noteOutput(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString());
    return write(chunk, ...rest);
  }) as typeof stream.write;
}
