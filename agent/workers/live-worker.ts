// A worker that lives, as the primary knows it. Only what it is; its life is the pool's.

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
  /** It has said that it is there, and was told what there is. */
  joined: boolean;
  /** By SDK key: the version that it was last offered, and the one that it serves. */
  readonly offered: Map<SdkKey, string>;
  readonly serves: Map<SdkKey, string>;
}

/** What makes a datafile this one and no other. */
export const versionOf = ({
  lineage,
  seq,
  sha256,
}: Pick<DatafileOffer, 'lineage' | 'seq' | 'sha256'>): string => `${lineage} ${seq} ${sha256}`;
