// The thread that says how slow the machine is: it works a little now and then, and measures how long its own processor time takes.

import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';

const WORK_MICROSECONDS = 10_000;
const PAUSE_MS = 90;

let isOver = false;
parentPort?.once('message', () => {
  isOver = true;
});

const cpuMicroseconds = (): number => {
  const { user, system } = process.threadCpuUsage();
  return user + system;
};

let tookMs = 0;
let cpuMs = 0;
do {
  const [startMs, before] = [performance.now(), cpuMicroseconds()];
  while (cpuMicroseconds() - before < WORK_MICROSECONDS);
  tookMs += performance.now() - startMs;
  cpuMs += (cpuMicroseconds() - before) / 1_000;
  await sleep(PAUSE_MS);
} while (!isOver);
parentPort?.postMessage(tookMs / cpuMs);
