// What a fault is: the stage it happens on, how it begins and ends, and the rule for what comes after. Starts nothing.

import type { Part } from '../../../infra/local/stack/part.ts';
import type { Watch } from './clients/watch.ts';
import type { Rule } from './rules.ts';
import type { Stage, StageName } from './stage.ts';

/** A line that a part has to write during the fault: a fault without effect proves nothing. */
export interface Trace {
  readonly of: (stage: Stage) => Part | undefined;
  readonly says: (line: string) => boolean;
}

export const agentSays = (index: number, pattern: RegExp): Trace => ({
  of: ({ stack }) => stack.agents[index]?.part,
  says: (line) => pattern.test(line),
});

export const LEFT_THE_BUS = /"event":"bus\.unavailable"/;

export interface Scenario {
  readonly name: string;
  /** One line for `--list`. */
  readonly what: string;
  readonly stage: StageName;
  readonly faultMs: number;
  readonly rule: Rule;
  /** Where agents have to find another way while the fault goes on: the longest that they may be behind. */
  readonly staleRule?: Rule;
  /** Begins the fault; resolves with how to take it away again. */
  readonly begin: (stage: Stage, watch: Watch) => Promise<() => Promise<void>>;
  readonly trace?: Trace;
  /** Why it cannot be tried here; undefined when it can. */
  readonly blocked?: () => string | undefined;
}
