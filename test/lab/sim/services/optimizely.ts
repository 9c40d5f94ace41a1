// The world outside: projects whose datafiles change, the CDN that serves them from edges which lag behind, and the bodies
// that no SDK would load. The record has to reach its state in the end.

import type { SdkKey } from '../../../../core/ids.ts';
import { sha256Of } from '../../../../core/ids.ts';
import type { Weather } from '../actors/weather.ts';
import type { World } from '../world.ts';

export const PROJECT_ID = '11387641093';
const VERSIONS_KEPT = 12;
const EDGES = ['cdn', 'origin', 'agents'] as const;
export type Edge = (typeof EDGES)[number];

export interface Version {
  readonly revision: number;
  readonly body: Uint8Array;
  readonly sha256: string;
  readonly etag: string;
  readonly lastModifiedMs: number;
  /** Which SDKs cannot load the datafile. */
  readonly bad: Bad;
}

export type Bad = 'no' | 'ingress' | 'agents';

export interface Served {
  readonly body: Uint8Array;
  readonly etag: string;
  readonly lastModifiedMs: number;
}

interface Project {
  versions: Version[];
  /** Until when an edge serves the version before; one that swings is several machines, of which some do. */
  readonly lag: Map<Edge, { readonly untilMs: number; readonly swings: boolean }>;
}

export class Optimizely {
  readonly #world: World;
  readonly #weather: Weather;
  readonly #projects = new Map<SdkKey, Project>();
  readonly #badServedAtMs = new Map<SdkKey, number>();

  constructor(keys: readonly SdkKey[], world: World, weather: Weather) {
    this.#world = world;
    this.#weather = weather;
    for (const sdkKey of keys) {
      this.#projects.set(sdkKey, { versions: [], lag: new Map() });
      this.change(sdkKey, 'no', false);
    }
  }

  /** A user of Optimizely changes a flag. With `keepsRevision` the datafile is made again under the same revision. */
  change(sdkKey: SdkKey, bad: Bad, keepsRevision: boolean): Version {
    const project = this.#project(sdkKey);
    const { dice, nowMs } = this.#world;
    const before = project.versions[0];
    const revision = (before?.revision ?? 0) + (before === undefined || !keepsRevision ? dice.int(1, 2) : 0);
    const body = datafile(sdkKey, revision, bad, saltOf(this.#world));
    const sha256 = sha256Of(body);
    // Last-Modified has seconds, and is later for each version of a revision.
    const lastModifiedMs = Math.max(
      Math.floor(nowMs / 1_000) * 1_000,
      before === undefined ? 0 : before.lastModifiedMs + 1_000,
    );
    const version = { revision, body, sha256, etag: `"${sha256.slice(0, 12)}"`, lastModifiedMs, bad };
    project.versions = [version, ...project.versions].slice(0, VERSIONS_KEPT);
    this.#world.note(
      'optimizely',
      `revision ${revision} ${sha256.slice(0, 8)}${bad === 'no' ? '' : ` (bad for ${bad})`}${keepsRevision ? ' (made again)' : ''}`,
      sdkKey,
    );
    for (const edge of EDGES)
      if (dice.chance(0.5) && !this.#weather.isCalm)
        // Edges that disagree about one revision may do so for long, and each with itself.
        project.lag.set(edge, {
          untilMs: nowMs + dice.int(50, keepsRevision ? 150_000 : 4_000),
          swings: keepsRevision,
        });
    return version;
  }

  /** What the newest datafile is. */
  current(sdkKey: SdkKey): Version {
    return this.#project(sdkKey).versions[0] as Version;
  }

  /** The answer to a request that comes now. @throws Error */
  serve(sdkKey: SdkKey, edge: Edge, by: string): Served {
    const project = this.#project(sdkKey);
    const { dice, nowMs } = this.#world;
    const lag = project.lag.get(edge);
    const isLagging = lag !== undefined && lag.untilMs > nowMs && !this.#weather.isCalm;
    const lags = isLagging && (!lag.swings || dice.chance(0.5));
    let behind = lags ? 1 : 0;
    if (this.#weather.hits('cdn-stale', by)) behind = dice.int(1, 4);
    const version = project.versions[Math.min(behind, project.versions.length - 1)] as Version;
    if (this.#weather.hits('cdn-errors', by)) throw new Error('503');
    if (this.#weather.hits('cdn-cut-body', by))
      return { ...version, body: version.body.subarray(0, version.body.byteLength >> 1), etag: '"cut"' };
    if (this.#weather.hits('cdn-other-key', by)) {
      const other = [...this.#projects.keys()].find((key) => key !== sdkKey);
      if (other !== undefined) {
        this.#badServedAtMs.set(sdkKey, nowMs);
        return { ...this.current(other), etag: '"other"' };
      }
    }
    if (version.bad === 'ingress') this.#badServedAtMs.set(sdkKey, nowMs);
    return version;
  }

  /** Whether it has served since then what no publisher may take. */
  badServedSince(sdkKey: SdkKey, sinceMs: number): boolean {
    return (this.#badServedAtMs.get(sdkKey) ?? -1) >= sinceMs;
  }

  #project(sdkKey: SdkKey): Project {
    const project = this.#projects.get(sdkKey);
    if (project === undefined) throw new Error(`no project has ${sdkKey}`);
    return project;
  }
}

/** Random letters: now and then so many that the compressed body does not fit into a message. */
function saltOf({ dice }: World): string {
  const blocks = dice.chance(0.25) ? 80 : 2;
  let salt = '';
  for (let i = 0; i < blocks; i++) salt += dice.int(0, 0xffffffff).toString(36);
  return salt;
}

function datafile(sdkKey: SdkKey, revision: number, bad: Bad, salt: string): Uint8Array {
  const fields = { version: '4', revision: String(revision), projectId: PROJECT_ID, sdkKey };
  return new TextEncoder().encode(JSON.stringify({ ...fields, environmentKey: 'production', salt, bad }));
}
