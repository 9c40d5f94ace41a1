// Failures of services outside: counted one by one, but not logged one by one. A service that is down
// fails for every request, and the log must not be the next thing to fail.

import type { Clock, Timer } from '../../core/clock.ts';
import { errorFields } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';

const LOG_INTERVAL_MS = 10_000;

export type Service = 'cmab' | 'odp' | 'redis' | 'profiles' | 'traces';

export interface Failure {
  readonly service: Service;
  /** The question that failed; one of a handful of words, as it becomes a label. */
  readonly what: string;
}

/** Counts one failure, and may log it. Never throws. */
export type OnFailure = (trouble: Failure, error: unknown) => void;

export interface FailureLogOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly count: (trouble: Failure) => void;
}

interface Line {
  unsaid: number;
  lastError: unknown;
  timer: Timer | null;
}

export class FailureLog {
  readonly #options: FailureLogOptions;
  readonly #lines = new Map<string, Line>();

  constructor(options: FailureLogOptions) {
    this.#options = options;
  }

  /** Bound, so that it can be handed on. */
  readonly note: OnFailure = (trouble, error) => {
    this.#options.count(trouble);
    const key = `${trouble.service} ${trouble.what}`;
    const line = this.#lines.get(key) ?? { unsaid: 0, lastError: null, timer: null };
    this.#lines.set(key, line);
    line.unsaid++;
    line.lastError = error;
    if (line.timer === null) this.#say(trouble, line);
  };

  stop(): void {
    for (const { timer } of this.#lines.values()) timer?.cancel();
  }

  /** Logs the first failure at once, and the following ones together in one line from time to time. */
  #say(trouble: Failure, line: Line): void {
    const { clock, log } = this.#options;
    const { service: dependency, what } = trouble;
    log.warn('service.failed', { dependency, what, times: line.unsaid, ...errorFields(line.lastError) });
    line.unsaid = 0;
    line.lastError = null;
    line.timer = clock.after(LOG_INTERVAL_MS, () => {
      line.timer = null;
      if (line.unsaid > 0) this.#say(trouble, line);
    });
  }
}
