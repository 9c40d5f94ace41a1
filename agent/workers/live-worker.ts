// The state of a live worker in the primary. The pool starts and ends workers.

import type { SdkKey } from '../../core/ids.ts';
import type { DatafileOffer, PrimaryNews, WorkerAnswers } from './messages.ts';
import type { WorkerState } from './metrics/report.ts';
import type { Peer } from './peer.ts';

export type WorkerPeer = Peer<WorkerAnswers, PrimaryNews>;

/** A worker that lives. */
export interface LiveWorker {
  readonly worker: number;
  readonly pid: number;
  readonly peer: WorkerPeer;
  state: WorkerState;
  /** True once the worker has started and got all datafiles, overrides and profiles. */
  joined: boolean;
  /** By SDK key: the version that it was last offered, and the one that it serves. */
  readonly offered: Map<SdkKey, string>;
  readonly serves: Map<SdkKey, string>;
}

/** Identifies a version of a datafile. */
export const versionOf = ({
  lineage,
  seq,
  sha256,
}: Pick<DatafileOffer, 'lineage' | 'seq' | 'sha256'>): string => `${lineage} ${seq} ${sha256}`;
