// What an attack is: what an attacker tries, and what has to come of it. It holds when it ends; it is broken when it throws.

import type { Target } from './target.ts';
import { Broken } from './verdicts.ts';

export { Broken, NotHere } from './verdicts.ts';

export type Area = 'webhook' | 'receiver' | 'agent API' | 'admin' | 'bus' | 'record' | 'disk' | 'CDN';

export interface Attack {
  readonly area: Area;
  readonly name: string;
  readonly tries: string;
  readonly expects: string;
  /** A stack that was started for the attacks alone: its parts lead through us, and reconcile runs when asked. */
  readonly needsOwnStack?: true;
  /** Afterwards the bus or the record is as it should be only when reconcile has run. */
  readonly healsByReconcile?: true;
  /** @throws Broken */
  readonly run: (target: Target) => Promise<void>;
}

export function require(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Broken(otherwise);
}

export function requireStatus(what: string, status: number, ...allowed: readonly number[]): void {
  require(allowed.includes(status), `${what} was answered ${status}, not ${allowed.join(' or ')}`);
}

/** Refused, and not by falling over. */
export function requireRefused(what: string, status: number): void {
  require(status >= 400 && status < 500, `${what} was answered ${status}, not refused`);
}
