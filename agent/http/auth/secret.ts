// Compares a client's secret with its bcrypt hash, in a thread of its own: that takes a quarter of a second by design, in
// which no decision could be made. Loaded on first use; this same file is what the thread runs.

import { parentPort, Worker, workerData } from 'node:worker_threads';
import { bcryptVerify } from 'hash-wasm';

/** What bcrypt looks at; the library throws at more, where others, the original's too, pass it over. */
const SECRET_BYTES_MAX = 72;

interface Task {
  readonly task: 'compare-secret';
  /** Its bytes, not its base64: what was hashed may be any bytes. */
  readonly secret: Uint8Array;
  readonly hash: string;
}

/** True when it is the secret. Rejects when the thread could not do it. */
export function compareSecret(secret: Uint8Array, hash: string): Promise<boolean> {
  const data: Task = { task: 'compare-secret', secret, hash };
  const thread = new Worker(new URL(import.meta.url), { workerData: data, execArgv: [], env: {} });
  return new Promise((resolve, reject) => {
    thread.once('message', (matches: boolean) => resolve(matches));
    thread.once('error', reject);
    thread.once('exit', (code) => reject(new Error(`the thread that compares secrets ended with ${code}`)));
  });
}

if ((workerData as Task | null)?.task === 'compare-secret') {
  const { secret, hash } = workerData as Task;
  const password = secret.subarray(0, SECRET_BYTES_MAX);
  parentPort?.postMessage(await bcryptVerify({ password, hash }));
}
