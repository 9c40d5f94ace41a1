// Workers without processes: both ends of the channel in one place, what is said copied as it would be between two.

import type {
  Beginning,
  PrimaryNews,
  PrimaryPeer,
  WorkerAnswers,
  WorkerNews,
} from '../../../agent/workers/messages.ts';
import { type Answers, Peer } from '../../../agent/workers/peer.ts';
import type { Spawn, SpawnEvents } from '../../../agent/workers/spawn.ts';

/** The end of the channel that a test plays the worker at. */
export class FakeProcess {
  readonly pid: number;
  readonly primary: PrimaryPeer;
  /** What it was asked and told, in order. */
  readonly heard: { readonly name: string; readonly arg: unknown }[] = [];
  /** Instead of the usual answers; a promise that never resolves is a worker that hangs. */
  readonly answers: { -readonly [K in keyof WorkerAnswers]?: Answers<WorkerAnswers>[K] } = {};
  killed = false;
  ended = false;
  readonly #events: SpawnEvents;

  constructor(pid: number, events: SpawnEvents) {
    this.pid = pid;
    this.#events = events;
    const asked =
      <K extends keyof WorkerAnswers>(name: K, usual: Answers<WorkerAnswers>[K]) =>
      (arg: Parameters<WorkerAnswers[K]>[0]) => {
        this.heard.push({ name, arg });
        const answer: Answers<WorkerAnswers>[K] = this.answers[name] ?? usual;
        return answer(arg);
      };
    const told = (name: keyof PrimaryNews) => (arg: unknown) => void this.heard.push({ name, arg });
    this.primary = new Peer({
      send: (message, sent) => {
        const copy = structuredClone(message);
        queueMicrotask(() => {
          sent?.();
          events.onMessage(copy);
        });
      },
      answers: {
        begin: asked('begin', ({ datafiles }: Beginning) => datafiles.map(({ sdkKey }) => sdkKey)),
        listen: asked('listen', () => 8080),
        offer: asked('offer', ({ revision }) => ({ kind: 'serves', revision, projectId: '10001' })),
        counts: asked('counts', () => ({
          ...{ routes: new Map(), timers: new Map(), failures: new Map(), ofProcess: [] },
          memory: { rss: 1, heapTotal: 1, heapUsed: 1 },
        })),
        settle: asked('settle', () => null),
        // Not among what it heard: it is pinged all the time.
        ping: () => (this.answers.ping ?? (() => null))(null),
        stop: asked('stop', () => null),
      },
      news: Object.fromEntries(
        (['forget', 'override', 'profiles', 'resetUsers', 'note', 'linkUp'] as const).map((name) => [
          name,
          told(name),
        ]),
      ),
    });
  }

  hello(): void {
    this.primary.tell('hello', null);
  }

  tell<K extends keyof WorkerNews>(name: K, arg: Parameters<WorkerNews[K]>[0]): void {
    this.primary.tell(name, arg);
  }

  die(how = 'SIGKILL'): void {
    this.primary.close();
    this.#events.onExit(how);
  }

  names(): string[] {
    return this.heard.map(({ name }) => name);
  }
}

/** Starts fake processes and remembers them. */
export class FakeProcesses {
  readonly all: FakeProcess[] = [];

  readonly spawn: Spawn = (events) => {
    const child = new FakeProcess(1000 + this.all.length, events);
    this.all.push(child);
    return {
      pid: child.pid,
      send: (message, sent) => {
        const copy = structuredClone(message);
        queueMicrotask(() => {
          sent?.();
          if (!child.killed) child.primary.receive(copy);
        });
      },
      end: () => {
        child.ended = true;
        child.die('exit code 0');
      },
      kill: () => {
        child.killed = true;
        child.die();
      },
    };
  };

  get last(): FakeProcess {
    return this.all.at(-1) as FakeProcess;
  }
}
