// The messages between primary and workers: questions, which are answered, and news, which are not. Both arrive in the order
// in which they were sent. Only types; all of them can be copied from one process to the other.

import type { LeftOut } from '../../core/datafile/left-out.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { AgentConfig } from '../config/config.ts';
import type { HealthReport } from '../datafiles/health/status.ts';
import type { FoundKey, KeyRefusal } from '../datafiles/keys/keys.ts';
import type { CandidateMeta, IgnoredReason } from '../datafiles/sources/source.ts';
import type { Override } from '../decisions/overrides.ts';
import type { SavedProfile } from '../decisions/profiles/profiles.ts';
import type { ProcessCounts } from '../metrics/metrics.ts';
import type { Peer } from './peer.ts';

/** A datafile on its way to a worker, with its exact bytes. */
export interface DatafileOffer extends CandidateMeta {
  readonly body: Uint8Array;
}

/** The answer of a worker to a datafile. */
export type OfferAnswer =
  | {
      readonly kind: 'serves';
      readonly revision: number;
      readonly projectId: string;
      readonly leftOut?: readonly LeftOut[];
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** There was nothing to do. */
  | { readonly kind: 'passed'; readonly reason: IgnoredReason };

/** An error as text, to be thrown again on the other side. */
export interface Refusal {
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** All that a new worker needs to have the same state as the others. */
export interface Beginning {
  readonly worker: number;
  /** The config of the primary: a settings file that has changed since must not make one worker differ from the rest. */
  readonly config: AgentConfig;
  readonly overrides: readonly Override[];
  readonly datafiles: readonly DatafileOffer[];
}

export interface NotificationMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
}

/** Events of one head, one visitor each. */
export interface EventLane {
  readonly url: string;
  readonly head: string;
  readonly jsons: readonly string[];
}

/** Asked by the primary. */
export interface WorkerAnswers {
  /** Resolves with the keys that it serves then. */
  begin(beginning: Beginning): readonly SdkKey[];
  /** Opens the port and says which one it is. */
  listen(nothing: null): number;
  offer(offer: DatafileOffer): OfferAnswer;
  counts(nothing: null): ProcessCounts;
  /** Answered by every worker that is not frozen. */
  ping(nothing: null): null;
  /** Answered when all news sent before have been handled. */
  settle(nothing: null): null;
  /** Finishes the requests under way; the worker sends nothing afterwards. */
  stop(nothing: null): null;
}

/** Said by the primary. */
export interface PrimaryNews {
  forget(sdkKey: SdkKey): void;
  override(override: Override): void;
  profiles(saved: readonly SavedProfile[]): void;
  resetUsers(sdkKey: SdkKey): void;
  note(note: NotificationMessage): void;
  /** Other workers or agents have joined: each worker that wants notes says so again. */
  linkUp(nothing: null): void;
}

/** Asked by workers. */
export interface PrimaryAnswers {
  /** Answered when the events are in the queue, so that the worker knows when it may send more. */
  takeEvents(lanes: readonly EventLane[]): null;
  /** Answered when all workers have them, or take too long. */
  takeProfiles(saved: readonly SavedProfile[]): null;
  /** @param asked the text that names the key, and who asks */
  resolve(asked: { readonly header: string; readonly client: string }): FoundKey | KeyRefusal;
  /** Answered when the other workers, and the bus, have the news sent before. */
  settle(nothing: null): null;
  ready(nothing: null): boolean;
  report(nothing: null): HealthReport;
}

/** Said by workers. */
export interface WorkerNews {
  /** The program of the worker is loaded; it can begin. */
  hello(nothing: null): void;
  eventsLost(count: number): void;
  /** Keys on demand that were asked for. */
  used(sdkKeys: readonly SdkKey[]): void;
  override(override: Override): void;
  resetUsers(sdkKey: SdkKey): void;
  note(note: NotificationMessage): void;
  subscribe(subject: string): void;
  unsubscribe(subject: string): void;
}

/** The primary, as a worker talks to it. */
export type PrimaryPeer = Peer<PrimaryAnswers, WorkerNews>;
