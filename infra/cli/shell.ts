// The world of one command: its two streams, environment, clock, randomness and network, handed in so that nothing below reads
// them from the process. Knows no command.

import type { Clock, Random } from '../../core/clock.ts';
import type { Environment } from '../../functions/settings/settings.ts';
import type { OutboundRoute } from '../../io/http/outbound-route.ts';

export interface Stream {
  write(text: string): void;
  readonly isTerminal: boolean;
  /** Width of the terminal, or of a page where there is none. */
  readonly columns: number;
}

export interface Shell {
  readonly env: Environment;
  /** Puts variables into the environment of this command, of which the AWS SDK reads its own; undefined takes one out. */
  readonly adopt: (variables: Environment) => void;
  readonly out: Stream;
  readonly err: Stream;
  readonly clock: Clock;
  readonly random: Random;
  /** A new UUID. */
  readonly newId: () => string;
  readonly fetch: typeof fetch;
  /** Proxies and certificates of the environment; left out by callers that have not looked. */
  readonly outboundRoute?: OutboundRoute;
  /** Aborted once, when the operator presses Ctrl-C. */
  readonly interrupted: AbortSignal;
}

/** An environment variable; one that is empty or blank counts as absent. */
export const variable = (shell: Shell, name: string): string | undefined =>
  shell.env[name]?.trim() || undefined;

/** Waits, unless the operator presses Ctrl-C. @throws the signal's reason then */
export function pause({ clock, interrupted }: Shell, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    interrupted.throwIfAborted();
    const stop = () => {
      timer.cancel();
      reject(interrupted.reason);
    };
    const timer = clock.after(delayMs, () => {
      interrupted.removeEventListener('abort', stop);
      resolve();
    });
    interrupted.addEventListener('abort', stop, { once: true });
  });
}
