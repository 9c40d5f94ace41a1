// Decides the flags of one revision for plain users, as fast as can be: those without profiles, overrides or forced decisions.
// Everything else is the SDK's, which also confirms each outcome before it is used. Knows nothing of HTTP.

import { CompiledFlag, type DecidedUser } from './flag.ts';
import { type Attributes, isComparable } from './match.ts';
import { type Datafile, type Flag, Project } from './project.ts';

const BUCKETING_ID = '$opt_bucketing_id';
const RESERVED_PREFIX = '$opt_';
const BOT_FILTERING = '$opt_bot_filtering';

export class Decider {
  /** In the datafile's order. */
  readonly flagKeys: readonly string[];
  readonly #datafile: Datafile;
  readonly #flags = new Map<string, Flag>();
  readonly #attributeIds: ReadonlyMap<string, unknown>;
  /** Null: left to the SDK. */
  readonly #compiled = new Map<string, CompiledFlag | null>();
  #project: Project | null = null;

  private constructor(datafile: Datafile) {
    this.#datafile = datafile;
    for (const flag of datafile.featureFlags ?? []) this.#flags.set(flag.key, flag);
    this.flagKeys = [...this.#flags.keys()];
    this.#attributeIds = new Map((datafile.attributes ?? []).map(({ key, id }) => [key, id]));
  }

  /**
   * @param datafile as the SDK has parsed it, and could build a client of it
   * @returns null for a datafile whose decisions are all left to the SDK
   */
  static of(datafile: unknown): Decider | null {
    const { holdouts, localHoldouts } = datafile as Datafile;
    return holdouts?.length || localHoldouts?.length ? null : new Decider(datafile as Datafile);
  }

  has(flagKey: string): boolean {
    return this.#flags.has(flagKey);
  }

  /** Compiled on first use: few users ask for every flag of every revision. Null for one that is left to the SDK. */
  flag(flagKey: string): CompiledFlag | null {
    let compiled = this.#compiled.get(flagKey);
    if (compiled === undefined) {
      compiled = this.#compile(flagKey);
      // An unknown key is not kept: there is no end of them.
      if (this.#flags.has(flagKey)) this.#compiled.set(flagKey, compiled);
    }
    return compiled;
  }

  /** Leaves a flag to the SDK from now on: its decision was another. */
  distrust(flagKey: string): void {
    this.#compiled.set(flagKey, null);
  }

  /** The attributes as events name them; the SDK's own selection and order. */
  eventAttributes(attributes: Attributes): string {
    const { botFiltering } = this.#datafile;
    const known: object[] = [];
    for (const key in attributes) {
      const id = this.#attributeIds.get(key) || (key.startsWith(RESERVED_PREFIX) ? key : null);
      const value = attributes[key];
      // What can be compared is also what the events endpoint takes.
      if (id !== null && isComparable(value)) known.push({ entity_id: id, key, type: 'custom', value });
    }
    if (typeof botFiltering === 'boolean')
      known.push({ entity_id: BOT_FILTERING, key: BOT_FILTERING, type: 'custom', value: botFiltering });
    return JSON.stringify(known);
  }

  #compile(flagKey: string): CompiledFlag | null {
    const flag = this.#flags.get(flagKey);
    if (flag === undefined) return null;
    try {
      this.#project ??= new Project(this.#datafile);
      return new CompiledFlag(flag, this.#project);
    } catch {
      return null; // Of a kind, or with a mistake, that the SDK has its own way with.
    }
  }
}

/** @param attributes without `$opt_experiment_bucket_map`, by which the SDK would decide */
export function plainUser(userId: string, attributes: Attributes): DecidedUser {
  const bucketingId = attributes[BUCKETING_ID];
  return { userId, attributes, bucketingId: typeof bucketingId === 'string' ? bucketingId : userId };
}
