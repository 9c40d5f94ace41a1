// The process of a worker: its channel to the primary, and what is said over it. It ends with the channel, as without the
// primary nothing would reach it any more.

import type { Clock, Random } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import { createLog } from '../../io/log.ts';
import { startTracing } from '../tracing/tracing.ts';
import type { PrimaryNews, PrimaryPeer, WorkerAnswers } from './messages.ts';
import { type Answers, Peer, type Send } from './peer.ts';
import { ServingWorker } from './worker.ts';

export interface RunDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly monotonicMs: () => number;
  readonly onSwapped: () => void;
  /** Told once the worker has its settings. */
  readonly onBegun?: (log: Log) => void;
}

/** Until the primary ends it. */
export function runWorker(deps: RunDeps): void {
  // The primary decides when it is over; a terminal, or a supervisor, signals all processes at once.
  for (const name of ['SIGTERM', 'SIGINT']) process.on(name, () => {});
  process.on('disconnect', () => process.exit(0));
  const send: Send = (message, sent) => {
    // A channel that is closing: this process is about to end.
    process.send?.(message, undefined, {}, () => sent?.());
  };
  const primary = converse(send, deps);
  process.on('message', (message) => primary.receive(message));
  primary.tell('hello', null);
}

/** The worker's side of the conversation; nothing is said to it before it was told to begin. */
export function converse(send: Send, deps: RunDeps): PrimaryPeer {
  let serving: ServingWorker | null = null;
  const worker = (): ServingWorker => {
    if (serving === null) throw new Error('it has not begun');
    return serving;
  };
  const answers: Answers<WorkerAnswers> = {
    begin: (beginning) => {
      const { config } = beginning;
      const { agentName, logLevel, logPretty: pretty, logSdkKeys: sdkKeys } = config;
      const { worker } = beginning;
      const log = createLog({ service: 'agent', name: agentName }, logLevel, { pretty, sdkKeys, worker });
      const tracing = startTracing(config, { clock: deps.clock, log });
      serving = new ServingWorker(config, { ...deps, log, primary, tracing });
      deps.onBegun?.(log);
      return serving.begin(beginning);
    },
    listen: () => worker().listen(),
    offer: (offer) => worker().offer(offer),
    counts: () => worker().counts(),
    settle: () => null,
    ping: () => null,
    stop: () => worker().stop(),
  };
  const news: PrimaryNews = {
    forget: (sdkKey) => worker().forget(sdkKey),
    override: (override) => worker().override(override),
    profiles: (saved) => worker().profiles(saved),
    resetUsers: (sdkKey) => worker().resetUsers(sdkKey),
    note: (note) => worker().note(note),
    linkUp: () => worker().linkUp(),
  };
  const primary: PrimaryPeer = new Peer({ send, answers: { ...answers }, news: { ...news } });
  return primary;
}
