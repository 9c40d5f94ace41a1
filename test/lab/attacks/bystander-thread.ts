// The thread of bystander.ts: asks each question over and over on connections of its own, until told to end, and says what it saw.

import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Question, Seen } from './stall.ts';

const ANSWER_TIMEOUT_MS = 15_000;

let isOver = false;
parentPort?.once('message', () => {
  isOver = true;
});

const all = await Promise.all((workerData as readonly Question[]).map(keepAsking));
parentPort?.postMessage(all);

async function keepAsking(question: Question): Promise<Seen> {
  const failures: string[] = [];
  const tookMs: number[] = [];
  do {
    const startMs = performance.now();
    const came = await askOnce(question);
    tookMs.push(performance.now() - startMs);
    if (came !== question.expected) failures.push(String(came));
    if (!isOver) await sleep(question.pauseMs);
  } while (!isOver);
  return { kind: question.kind, tookMs, failures };
}

/** The status, or why there is none. */
function askOnce({ url, method, headers, body }: Question): Promise<number | string> {
  return new Promise((resolve) => {
    const outgoing = request(
      url,
      { method, headers, agent: false, timeout: ANSWER_TIMEOUT_MS },
      (response) => {
        response.resume();
        response.on('close', () => resolve(response.statusCode ?? 0));
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', (error) => resolve(error.message));
    outgoing.end(body);
  });
}
