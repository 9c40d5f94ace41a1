// The receivers of changes in the soak: the subscribers in their processes, and the agents' own event streams, which
// tell of a datafile once it decides. Says who had what when, and what was not as it should be.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Stack } from '../../../../infra/local/stack/stack.ts';
import { sharedNowMs } from './soak-clock.ts';
import type { SubscribersSay } from './soak-subscribers.ts';

const PROCESSES = 4;
const SAY_TIMEOUT_MS = 20_000;

export type OnArrived = (receiver: number, revision: number, atMs: number) => void;

export interface ReceiverFaults {
  /** Messages that were no datafile, or not the announced one. */
  readonly bad: number;
  /** Messages of an earlier seq than the receiver had, which it has to ignore. */
  readonly older: number;
  /** Datafiles of an earlier seq that an agent served. */
  readonly back: number;
}

export interface Receivers {
  /** Resolves when everything they had has been told. */
  finish(): Promise<ReceiverFaults>;
  close(): void;
}

/** Receivers are numbered: subscribers first, then the agents. */
export async function startReceivers(
  stack: Stack,
  subscribers: number,
  onArrived: OnArrived,
): Promise<Receivers> {
  const { addresses } = stack;
  const groups = await startGroups(addresses.nats.wsUrl, addresses.sdkKey, subscribers, onArrived);
  const aborter = new AbortController();
  const streams = addresses.agents.map(({ api }, agent) =>
    followAgent(api, addresses.sdkKey, aborter.signal, (revision, atMs) =>
      onArrived(subscribers + agent, revision, atMs),
    ),
  );
  await Promise.all(streams.map(({ opened }) => opened));
  return {
    async finish() {
      const faults = await Promise.all(groups.map(finishGroup));
      const sum = (field: 'bad' | 'older') => faults.reduce((total, one) => total + one[field], 0);
      const back = streams.reduce((total, stream) => total + stream.back(), 0);
      return { bad: sum('bad'), older: sum('older'), back };
    },
    close() {
      aborter.abort();
      for (const group of groups) group.kill();
    },
  };
}

async function startGroups(
  wsUrl: string,
  sdkKey: string,
  subscribers: number,
  onArrived: OnArrived,
): Promise<ChildProcess[]> {
  const entry = fileURLToPath(new URL('./soak-subscribers.ts', import.meta.url));
  const groups: ChildProcess[] = [];
  const ready: Promise<unknown>[] = [];
  const size = Math.ceil(subscribers / PROCESSES);
  for (let first = 0; first < subscribers; first += size) {
    const count = Math.min(size, subscribers - first);
    const group = fork(entry, [wsUrl, sdkKey, String(count)]);
    group.on('message', (message: SubscribersSay) => {
      if (message.kind !== 'arrived') return;
      message.atMs.forEach((atMs, i) => {
        if (atMs !== null) onArrived(first + i, message.revision, atMs);
      });
    });
    groups.push(group);
    ready.push(saysNext(group, 'ready'));
  }
  await Promise.all(ready).catch((error) => {
    for (const group of groups) group.kill();
    throw error;
  });
  return groups;
}

async function finishGroup(group: ChildProcess): Promise<SubscribersSay & { kind: 'finished' }> {
  const finished = saysNext(group, 'finished');
  group.send('finish');
  return (await finished) as SubscribersSay & { kind: 'finished' };
}

function saysNext(group: ChildProcess, kind: SubscribersSay['kind']): Promise<SubscribersSay> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => done(() => reject(new Error(`No ${kind} from the subscribers`))),
      SAY_TIMEOUT_MS,
    );
    const onMessage = (message: SubscribersSay) => {
      if (message.kind === kind) done(() => resolve(message));
    };
    const onExit = () => done(() => reject(new Error('The subscribers have ended')));
    const done = (settle: () => void) => {
      clearTimeout(timer);
      group.off('message', onMessage);
      group.off('exit', onExit);
      settle();
    };
    group.on('message', onMessage);
    group.once('exit', onExit);
  });
}

interface FollowedAgent {
  readonly opened: Promise<void>;
  readonly back: () => number;
}

function followAgent(
  api: string,
  sdkKey: string,
  signal: AbortSignal,
  onServes: (revision: number, atMs: number) => void,
): FollowedAgent {
  let back = 0;
  let seqBefore = 0;
  const take = (data: string) => {
    const { seq, revision } = JSON.parse(data) as { seq: number; revision: number };
    if (seq < seqBefore) back++;
    seqBefore = seq;
    onServes(revision, sharedNowMs());
  };
  const opened = openStream(api, sdkKey, signal).then((body) => {
    // Ended by the abort at last; were it cut before, changes would be missing, which is what the report says then.
    readEvents(body, take).catch(() => {});
  });
  return { opened, back: () => back };
}

async function openStream(
  api: string,
  sdkKey: string,
  signal: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const headers = { 'x-optimizely-sdk-key': sdkKey };
  const response = await fetch(`${api}/v1/datafile/stream`, { headers, signal });
  if (response.status !== 200 || response.body === null)
    throw new Error(`${api}/v1/datafile/stream answers ${response.status}`);
  return response.body;
}

async function readEvents(body: AsyncIterable<Uint8Array>, take: (data: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) take(line.slice('data: '.length));
  }
}
