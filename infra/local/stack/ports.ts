// Ports for the local stack. Chosen before anything starts, because a killed part must come back where it was.

import { createServer } from 'node:net';
import { FanoutError } from '../../../core/errors.ts';
import { LOOPBACK_HOST } from '../tools/http.ts';

/** Below the range that Linux gives to outgoing connections (32768…), which could take a port while its part is down. */
const FREE_RANGE = { from: 20_000, to: 32_000 };
const TRIES_MAX = 200;

export interface PortSource {
  next(): Promise<number>;
}

/** Consecutive ports from `base`. @throws FanoutError STACK_FAILED from `next` when one is taken */
export function portsFrom(base: number): PortSource {
  let port = base;
  return {
    async next() {
      const wanted = port++;
      if (await isFree(wanted)) return wanted;
      throw new FanoutError({
        code: 'STACK_FAILED',
        message: `Port ${wanted} is taken`,
        remedy: 'Stop what listens there, choose another --port-base, or leave it out to get free ports.',
        retryable: true,
        fields: { port: wanted },
      });
    },
  };
}

/** Ports that nothing listens on now, no number twice from the same source. */
export function freePorts(random: () => number): PortSource {
  const given = new Set<number>();
  return {
    async next() {
      for (let i = 0; i < TRIES_MAX; i++) {
        const port = FREE_RANGE.from + Math.floor(random() * (FREE_RANGE.to - FREE_RANGE.from));
        if (given.has(port) || !(await isFree(port))) continue;
        given.add(port);
        return port;
      }
      throw new FanoutError({
        code: 'STACK_FAILED',
        message: `No free port between ${FREE_RANGE.from} and ${FREE_RANGE.to}`,
        remedy: 'Choose a range yourself with --port-base.',
        retryable: true,
      });
    },
  };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, LOOPBACK_HOST, () => server.close(() => resolve(true)));
  });
}
