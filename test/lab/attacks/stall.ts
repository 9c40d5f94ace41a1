// How long others had to wait while something was attacked, held against how slow the machine was at the same time: what takes a
// tenth of a core, because others want the rest, takes ten times as long without any fault of the system.

import { Broken, require } from './attack.ts';

/** What an answer takes beyond this is a stall, on a machine that does nothing else. */
const STALL_MIN_MS = 250;
/** Stalls of one question in all, on such a machine. */
const STALLED_MAX_MS = 1_000;
const FAILURES_SHOWN_MAX = 3;

export interface Question {
  /** What it is called in the figures. */
  readonly kind: string;
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly expected: number;
  readonly pauseMs: number;
}

/** Of one question, asked over and over. */
export interface Seen {
  readonly kind: string;
  /** Each answer, in order. */
  readonly tookMs: readonly number[];
  readonly failures: readonly string[];
}

export interface Sight {
  readonly all: readonly Seen[];
  /** How long the control's processor time took, in its own multiples: 1 on a machine that does nothing else. */
  readonly slowdown: number;
}

/** Of one question: what all answers together took beyond the limit. A rare slow one counts little, a long one for what it is. */
export const stalledMsOf = ({ tookMs }: Seen, slowdown: number): number =>
  tookMs.reduce((sum, ms) => sum + Math.max(0, ms - STALL_MIN_MS * slowdown), 0);

/**
 * @param allowedMs what a question may be stalled for, on a machine that does nothing else
 * @returns the figures
 * @throws Broken when a question failed, or was stalled for longer
 */
export function judgeStalls({ all, slowdown }: Sight, allowedMs: number = STALLED_MAX_MS): string {
  const figures = all.map(
    ({ kind, tookMs }) => `${kind} ${Math.max(0, ...tookMs).toFixed(0)} ms of ${tookMs.length}`,
  );
  const text = `longest: ${figures.join(', ')}; machine ${slowdown.toFixed(1)} times as slow`;
  for (const seen of all) {
    const { kind, tookMs, failures } = seen;
    const shown = failures.slice(0, FAILURES_SHOWN_MAX).join(', ');
    require(failures.length === 0, `${failures.length} of ${tookMs.length} times ${kind} failed: ${shown}`);
    require(tookMs.length > 0, `${kind} was never asked`);
    const stalledMs = stalledMsOf(seen, slowdown);
    if (stalledMs > allowedMs * slowdown)
      throw new Broken(`${kind} was stalled for ${stalledMs.toFixed(0)} ms in all (${text})`);
  }
  return text;
}
