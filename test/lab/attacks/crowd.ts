// Connections that are there and do little: many at a time, each renewed as soon as the other side ends it.

import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { open } from './raw.ts';

const OPENED_TOGETHER = 50;
const PAUSE_MS = 5;
/** Some thousand a second in all: more measures the attacker's machine. */
const RENEWED_AFTER_MS = 100;

export interface CrowdOptions {
  readonly count: number;
  /** Sent at once on each. */
  readonly begins: string;
  /** Sent on each now and then afterwards; default: nothing. */
  readonly goesOn?: string;
  readonly lastsMs: number;
  /** Default: all that comes is read. */
  readonly isDeaf?: boolean;
}

/** Keeps them up for that long. @returns how many were ended by the other side, and renewed */
export async function crowd(url: string, options: CrowdOptions): Promise<number> {
  const { count, begins, goesOn, lastsMs, isDeaf = false } = options;
  let renewed = 0;
  let isOver = false;
  const sockets = new Set<Socket>();
  const join = () => {
    if (isOver) return;
    const socket = open(url);
    sockets.add(socket);
    socket.on('error', () => {}); // `close` follows.
    socket.once('connect', () => socket.write(begins));
    socket.once('close', () => {
      sockets.delete(socket);
      renewed++;
      setTimeout(join, RENEWED_AFTER_MS);
    });
    if (isDeaf) socket.pause();
    else socket.resume();
  };
  for (let i = 0; i < count; i++) {
    join();
    if (i % OPENED_TOGETHER === OPENED_TOGETHER - 1) await sleep(PAUSE_MS);
  }
  const endMs = performance.now() + lastsMs;
  while (performance.now() < endMs) {
    await sleep(Math.min(200, lastsMs));
    if (goesOn !== undefined) for (const socket of sockets) socket.write(goesOn);
  }
  isOver = true;
  for (const socket of sockets) socket.destroy();
  return renewed;
}
