// What a check knows of one life of an agent: when its links came up, what troubled them, and what it cannot have heard.

import { HEADER } from '../../../../core/bus/envelope.ts';
import type { Message } from '../services/nats-server.ts';

export interface Version {
  readonly lineage: string;
  readonly seq: number;
}

export interface Life {
  readonly startedAtMs: number;
  linkedAtMs: number | null;
  unlinkedAtMs: number;
  troubledAtMs: number;
  s3TroubledAtMs: number;
  wasReady: boolean;
  /** The latest version of each subject and lineage that was lost without a trace. */
  readonly lost: Map<string, Version>;
  /** The last one of each that came with another payload. */
  readonly spoilt: Map<string, Version>;
  beatAtMs: number;
  /** What a beat has named, and when. */
  readonly named: Map<string, Version & { readonly atMs: number }>;
}

/** Begins now, without a link. */
export const lifeFrom = (nowMs: number): Life => ({
  ...{ startedAtMs: nowMs, linkedAtMs: null, unlinkedAtMs: nowMs, troubledAtMs: nowMs, beatAtMs: nowMs },
  ...{ s3TroubledAtMs: 0, wasReady: false, lost: new Map(), spoilt: new Map(), named: new Map() },
});

/** At it, or past it. */
export const isAt = (held: Version | null, version: Version): boolean =>
  held !== null && held.lineage === version.lineage && held.seq >= version.seq;

export const versionOf = ({ headers }: Message): Version => ({
  lineage: headers.get(HEADER.lineage) ?? '',
  seq: Number(headers.get(HEADER.seq)),
});
