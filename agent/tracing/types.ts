// Traces as the rest of the agent sees them: what they are told, and what they count. Only shapes.

import type { Clock } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { Log } from '../../core/log.ts';
import type { DatafileMeta, SourceName } from '../datafiles/sources/source.ts';
import type { OnAnswered } from '../http/kernel/route.ts';

/** A datafile that begins to serve. */
export interface Swapped extends DatafileMeta {
  readonly source: SourceName;
  readonly acceptedAtMs: number;
}

/** Spans so far, by what became of them. */
export interface TraceStats {
  readonly sent: number;
  /** Refused by the collector, or it was not there. */
  readonly failed: number;
  /** Too many waited for it. */
  readonly dropped: number;
}

export interface Tracing {
  /** A span for a request that has been answered; it is linked to the swap that brought its datafile. */
  readonly answered: OnAnswered;
  /** A span in the trace of the change. To be called before the first request is answered from this datafile. */
  swapped(held: Swapped): void;
  /** The key is not served any more. */
  forgotten(sdkKey: SdkKey): void;
  readonly stats: () => TraceStats;
  /** Sends what waits, within a limit; never rejects. */
  stop(): Promise<void>;
}

/** The same once it is there, told later than it happened. */
export interface LoadedTracing extends Omit<Tracing, 'answered'> {
  readonly answered: (...args: [...Parameters<OnAnswered>, endedAtMs: number]) => void;
}

export interface TracingDeps {
  readonly clock: Clock;
  readonly log: Log;
}
