// Short stand-ins for the dependencies of an agent's parts: a log that keeps its lines, a sink that accepts, a record in memory.

import type { ManifestAnswer, RecordReader } from '../../../agent/datafiles/sources/record.ts';
import type { Candidate, OfferOutcome, Sink, SourceName } from '../../../agent/datafiles/sources/source.ts';
import { type Datafile, parseDatafile } from '../../../core/datafile/datafile.ts';
import { FanoutError } from '../../../core/errors.ts';
import {
  type ChangeId,
  type Lineage,
  type SdkKey,
  type Seq,
  type Sha256,
  sha256Of,
  toSdkKey,
} from '../../../core/ids.ts';
import type { Log, LogEvent } from '../../../core/log.ts';
import { advance, createManifest, type Manifest } from '../../../core/record/manifest.ts';
import type { Version } from '../../../core/version.ts';
import { noteLine } from '../../output/notes.ts';
import { bytesOf, flag, KEY, projectOf, rule, variation } from '../../support/project-builder.ts';

export { systemClock as realClock } from '../../../infra/local/tools/clock.ts';
export { KEY };

export const OTHER_KEY = toSdkKey('OtherKey+with/odd=chars');
export const LINEAGE = 'lineage-1' as Lineage;
export const OTHER_LINEAGE = 'lineage-2' as Lineage;
export const PROJECT_ID = '10001';

/** The smallest datafile that the SDK loads; one flag, on for every user when `on`. */
export function datafileBody(
  revision: number,
  options: { sdkKey?: string; projectId?: string; on?: boolean } = {},
): Buffer {
  const { sdkKey = KEY, projectId = PROJECT_ID, on = true } = options;
  const everyone = rule('21', 'everyone', [variation('31', 'v', on)]);
  return bytesOf(
    projectOf(
      {
        projectId,
        sdkKey,
        rollouts: [{ id: '11', experiments: [everyone] }],
        featureFlags: [flag('1', 'flag_1', [], '11')],
      },
      revision,
    ),
  );
}

export const datafileOf = (revision: number, sdkKey: SdkKey = KEY): Datafile =>
  parseDatafile(datafileBody(revision, { sdkKey }), { sdkKey });

/** A body that every agent refuses: it is not JSON. */
export function refusedOf(revision: number, sdkKey: SdkKey = KEY): Datafile {
  const body = Buffer.from(`<html>Revision ${revision} is not available</html>`);
  return { ...datafileOf(revision, sdkKey), sha256: sha256Of(body), body };
}

/** A candidate of `datafileOf(revision)`; every field can be overridden. */
export function candidateOf(revision: number, overrides: Partial<Candidate> = {}): Candidate {
  const sdkKey = overrides.sdkKey ?? KEY;
  const { sha256, body } = datafileOf(revision, sdkKey);
  return {
    ...{ sdkKey, revision, sha256, lineage: LINEAGE, seq: revision as Seq, receivedAtMs: 0 },
    ...{
      changeId: `change-${revision}` as ChangeId,
      lastModifiedMs: null,
      source: 'nats',
      fromRecord: false,
    },
    load: async () => body,
    ...overrides,
  };
}

export interface LogLine {
  readonly level: 'info' | 'warn' | 'error';
  readonly event: LogEvent;
  readonly fields: Record<string, unknown>;
}

export class MemoryLog implements Log {
  readonly lines: LogLine[] = [];

  info(event: LogEvent, fields: object = {}): void {
    this.lines.push({ level: 'info', event, fields: { ...fields } });
    noteLine(event, fields);
  }

  warn(event: LogEvent, fields: object = {}): void {
    this.lines.push({ level: 'warn', event, fields: { ...fields } });
    noteLine(event, fields);
  }

  error(event: LogEvent, fields: object = {}): void {
    this.lines.push({ level: 'error', event, fields: { ...fields } });
    noteLine(event, fields);
  }

  of(event: LogEvent): LogLine[] {
    return this.lines.filter((line) => line.event === event);
  }
}

/** Accepts every offer, and loads each body as the store would. */
export class RecordingSink implements Sink {
  readonly offered: Candidate[] = [];
  readonly bodies: Uint8Array[] = [];
  readonly confirmed: { readonly sdkKey: SdkKey; readonly version: Version }[] = [];
  readonly failures: {
    readonly source: SourceName;
    readonly sdkKey: SdkKey | null;
    readonly error: unknown;
  }[] = [];

  async offer(candidate: Candidate): Promise<OfferOutcome> {
    this.offered.push(candidate);
    try {
      this.bodies.push(await candidate.load());
      return { kind: 'accepted' };
    } catch (error) {
      const code = error instanceof FanoutError ? error.code : 'UNEXPECTED';
      return { kind: 'rejected', code, final: false, error };
    }
  }

  confirm(sdkKey: SdkKey, version: Version): void {
    this.confirmed.push({ sdkKey, version });
  }

  failed(source: SourceName, sdkKey: SdkKey | null, error: unknown): void {
    this.failures.push({ source, sdkKey, error });
  }

  get seqs(): number[] {
    return this.offered.map(({ seq }) => seq);
  }
}

/** The record in memory, moved by the real rules; can be down, and can lose or spoil bodies. */
export class MemoryRecord implements RecordReader {
  readonly manifests = new Map<SdkKey, Manifest>();
  readonly bodies = new Map<string, Uint8Array>();
  readonly reads: { manifest: number; body: number } = { manifest: 0, body: 0 };
  down = false;
  closed = false;
  #etag = 0;
  readonly #etags = new Map<SdkKey, string>();

  /** Publishes a body as the webhook would; returns the manifest. */
  publish(sdkKey: SdkKey, body: Buffer, lineage: Lineage = LINEAGE, nowMs = 0): Manifest {
    return this.publishAs(parseDatafile(body, { sdkKey }), lineage, nowMs);
  }

  /** Publishes a datafile without checking it. */
  publishAs(datafile: Datafile, lineage: Lineage = LINEAGE, nowMs = 0): Manifest {
    const { sdkKey, body } = datafile;
    const changeId = `change-${datafile.revision}` as ChangeId;
    const cdn = { etag: null, lastModifiedMs: null };
    const arrival = { cause: 'webhook', changeId, receivedAtMs: nowMs, publishedAtMs: nowMs, cdn } as const;
    const current = this.manifests.get(sdkKey);
    const move = current?.lineage === lineage ? advance(current, datafile, arrival) : null;
    if (move !== null && !('manifest' in move)) throw new Error(`does not move: ${move.kind}`);
    const manifest = move?.manifest ?? createManifest(datafile, arrival, lineage);
    this.bodies.set(manifest.bodyKey, body);
    this.put(sdkKey, manifest);
    return manifest;
  }

  put(sdkKey: SdkKey, manifest: Manifest): void {
    this.manifests.set(sdkKey, manifest);
    this.#etags.set(sdkKey, `"${++this.#etag}"`);
  }

  async readManifest(sdkKey: SdkKey, etag: string | null): Promise<ManifestAnswer> {
    this.reads.manifest++;
    if (this.down) throw unavailable();
    const manifest = this.manifests.get(sdkKey);
    const current = this.#etags.get(sdkKey);
    if (manifest === undefined || current === undefined) return { kind: 'absent' };
    return etag === current ? { kind: 'unchanged' } : { kind: 'manifest', manifest, etag: current };
  }

  async readBody(sdkKey: SdkKey, sha256: Sha256): Promise<Uint8Array> {
    this.reads.body++;
    if (this.down) throw unavailable();
    const body = [...this.bodies].find(([key]) => key.includes(sha256))?.[1];
    if (body === undefined) throw missing(sdkKey);
    return body;
  }

  close(): void {
    this.closed = true;
  }
}

const unavailable = () =>
  new FanoutError({ code: 'RECORD_UNAVAILABLE', message: 'down', remedy: 'wait', retryable: true });
const missing = (sdkKey: SdkKey) =>
  new FanoutError({ code: 'BODY_MISSING', message: `no body of ${sdkKey}`, remedy: 'wait', retryable: true });

/** Lets everything that waits on settled promises run. */
export async function settled(): Promise<void> {
  for (let i = 0; i < 50; i++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}
