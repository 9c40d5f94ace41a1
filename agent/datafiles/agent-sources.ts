// Makes the sources that the settings ask for. The only file that knows all of them.

import type { Clock, Random } from '../../core/clock.ts';
import type { SdkKey } from '../../core/ids.ts';
import type { AgentConfig } from '../config/config.ts';
import type { BusEvents } from './sources/bus.ts';
import { CdnSource, type CdnSourceOptions } from './sources/cdn.ts';
import { DiskSource, type DiskSourceOptions } from './sources/disk.ts';
import { NatsSource, type NatsSourceOptions } from './sources/nats.ts';
import { type RecordLook, type RecordReader, RecordSource } from './sources/record.ts';
import { S3Reader } from './sources/s3.ts';
import type { Sink } from './sources/source.ts';

export interface AgentSources {
  readonly disk: DiskSource | null;
  readonly nats: NatsSource | null;
  readonly record: RecordSource | null;
  readonly cdn: CdnSource;
}

/** How sources reach what is outside the process; what is left out is the real thing. */
export interface Wires {
  readonly connect?: NatsSourceOptions['connect'];
  readonly files?: DiskSourceOptions['files'];
  readonly fetch?: CdnSourceOptions['fetch'];
}

export interface AgentSourceDeps {
  readonly clock: Clock;
  readonly random: Random;
  readonly sink: Sink;
  /** Instead of the S3 that the settings name. */
  readonly reader?: RecordReader | undefined;
  readonly wires?: Wires | undefined;
  /** How long until S3 is asked for this key again. */
  readonly recordIntervalMs: (sdkKey: SdkKey) => number;
  readonly onRecordLook: (look: RecordLook, sdkKey: SdkKey) => void;
  readonly busEvents: BusEvents;
  readonly tokenOf: (sdkKey: SdkKey) => string | null;
  readonly onSaved?: DiskSourceOptions['onSaved'];
}

export function createAgentSources(config: AgentConfig, deps: AgentSourceDeps): AgentSources {
  const { clock, random, sink, wires = {} } = deps;
  const reader = deps.reader ?? (config.s3 === null ? null : new S3Reader(config.s3));
  const record =
    reader === null
      ? null
      : new RecordSource(sink, {
          reader,
          clock,
          random,
          intervalMs: deps.recordIntervalMs,
          onLook: deps.onRecordLook,
        });
  const nats =
    config.nats === null || record === null
      ? null
      : new NatsSource(sink, {
          settings: config.nats,
          clock,
          random,
          events: deps.busEvents,
          resolveBody: (sdkKey, sha256) => record.loadBody(sdkKey, sha256),
          connect: wires.connect,
        });
  const cdn = new CdnSource(sink, {
    clock,
    random,
    urlTemplate: config.cdnUrlTemplate,
    authUrlTemplate: config.cdnAuthUrlTemplate,
    pollIntervalMs: config.cdnPollIntervalMs,
    tokenOf: deps.tokenOf,
    // The CDN's datafiles carry no signature.
    vouchesOnly: config.signing.mode === 'required',
    fetch: wires.fetch,
  });
  const disk =
    config.cacheDir === null
      ? null
      : new DiskSource(sink, { dir: config.cacheDir, clock, onSaved: deps.onSaved, files: wires.files });
  return { disk, nats, record, cdn };
}
