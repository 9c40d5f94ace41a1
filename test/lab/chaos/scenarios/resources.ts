// What a machine runs out of, or gets wrong: disk, file descriptors, the time, the speed of S3.

import { rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { join } from 'node:path';
import { blockedWithout, limitFiles, openFiles } from '../machine.ts';
import { RULES } from '../rules.ts';
import { agentSays, type Scenario } from '../scenario.ts';
import { CLOCK_AGENT, SMALL_DISK_AGENT, smallDiskBlocked } from '../stage.ts';

const plain = { stage: 'plain', faultMs: 3_500 } as const;
const HOUR_MS = 3_600_000;
/** Of every 450 ms S3 runs for 50, which makes each of its answers take about so long. */
const S3_STOPPED_MS = 400;
const S3_RUNNING_MS = 50;
const FILLER = 'filler';
const FILLER_BYTES = 8 * 1024 * 1024;
/** Files that a process may still open when its limit is lowered. */
const FILES_LEFT = 2;
const FLOOD = 100;

const jump = (name: string, offsetMs: number, what: string): Scenario => ({
  ...plain,
  name,
  what,
  rule: RULES.bus,
  trace: {
    of: ({ stack }) => stack.agents[CLOCK_AGENT as number]?.part,
    says: (line) => Math.abs(timeOf(line) - Date.now() - offsetMs) < HOUR_MS / 2,
  },
  begin: async ({ clockFile = '', stack }) => {
    if (stack.agents[CLOCK_AGENT as number] === undefined) throw new Error('the stack has no such agent');
    await writeFile(clockFile, String(offsetMs));
    return () => rm(clockFile);
  },
});

/** Of a log line; NaN of any other. */
const timeOf = (line: string): number => Date.parse(/"time":"([^"]+)"/.exec(line)?.[1] ?? '');

/** Connections that take up what is left of a process's file descriptors; they say nothing. */
function flood(port: number): () => void {
  const sockets = Array.from({ length: FLOOD }, (): Socket => {
    const socket = createConnection(port, '127.0.0.1');
    // Refused is as good: there is no descriptor left for it.
    return socket.once('error', () => socket.destroy());
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

export const resources: readonly Scenario[] = [
  {
    ...plain,
    name: 'full-disk',
    what: "the disk of an agent's cache is full: it goes on serving what is new, and saves again when there is room",
    rule: RULES.bus,
    trace: agentSays(SMALL_DISK_AGENT as number, /"event":"cache\.failed"/),
    blocked: smallDiskBlocked,
    begin: async ({ smallDisk, stack }) => {
      if (smallDisk === undefined || stack.agents[SMALL_DISK_AGENT as number] === undefined)
        throw new Error('no agent has a small disk');
      const filler = join(smallDisk, FILLER);
      // Writes as much as fits, and fails.
      const full = await writeFile(filler, Buffer.alloc(FILLER_BYTES)).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ENOSPC',
      );
      if (!full) throw new Error('the small disk is not full');
      return () => rm(filler);
    },
  },
  jump('clock-forward', HOUR_MS, "an agent's clock jumps an hour ahead, and back"),
  jump('clock-back', -HOUR_MS, "an agent's clock jumps an hour back, and ahead"),
  {
    ...plain,
    name: 'files-agent',
    what: 'an agent has no file descriptor left, with a crowd at its door: open connections are served on',
    rule: RULES.bus,
    blocked: () => blockedWithout('prlimit'),
    trace: agentSays(1, /EMFILE/),
    begin: async ({ stack }) => {
      const agent = stack.agents[1];
      const pid = agent?.part.pid ?? 0;
      limitFiles(pid, (await openFiles(pid)) + FILES_LEFT);
      const goAway = flood(Number(new URL(agent?.api ?? '').port));
      return async () => {
        goAway();
        limitFiles(pid, null);
      };
    },
  },
  {
    ...plain,
    name: 'files-nats',
    what: 'nats-server has no file descriptor left while an agent starts: that one follows through S3 until there are',
    rule: RULES.bus,
    blocked: () => blockedWithout('prlimit'),
    trace: { of: ({ stack }) => stack.parts.nats, says: (line) => /too many open files/.test(line) },
    begin: async ({ stack }, watch) => {
      const { nats } = stack.parts;
      const agent = stack.agents[2];
      const pid = nats.pid ?? 0;
      watch.died(2);
      await agent?.part.stop();
      limitFiles(pid, (await openFiles(pid)) + FILES_LEFT);
      const goAway = flood(Number(new URL(stack.urls.natsWs).port));
      await agent?.part.start();
      watch.revived(2);
      return async () => {
        goAway();
        limitFiles(pid, null);
      };
    },
  },
  {
    ...plain,
    name: 'slow-s3',
    what: 'S3 takes half a second for every answer',
    rule: RULES.reconcile,
    begin: async ({ stack }) => {
      const { s3 } = stack.parts;
      let isSlow = true;
      const slowing = (async () => {
        while (isSlow) {
          await s3?.kill('SIGSTOP');
          await new Promise((resolve) => setTimeout(resolve, S3_STOPPED_MS));
          await s3?.kill('SIGCONT');
          await new Promise((resolve) => setTimeout(resolve, S3_RUNNING_MS));
        }
      })();
      return async () => {
        isSlow = false;
        await slowing;
      };
    },
  },
];
