// What a project has, by key, for the routes that answer by what is there. Made once per revision, on first use: few
// agents are ever asked. Maps and sets, so that `__proto__` is not a key of every project.

import { decodeText } from '../../core/datafile.ts';
import { makeLoadable } from '../../core/loadable-datafile.ts';
import type { FlagClient } from '../flag-client.ts';
import type { Held } from '../store.ts';
import { type DatafileShape, type ProjectConfig, projectConfig } from './project-config.ts';

export interface ProjectKeys {
  /** Experiment key → keys of its variations. */
  readonly experiments: ReadonlyMap<string, ReadonlySet<string>>;
  /** Flag key → keys of the experiments among its rules. */
  readonly flags: ReadonlyMap<string, ReadonlySet<string>>;
  /** Flag key → keys of its other rules, in their order; the last is for everyone else. */
  readonly deliveryRules: ReadonlyMap<string, readonly string[]>;
  readonly events: ReadonlySet<string>;
  /** Audience id → its conditions. */
  readonly audiences: ReadonlyMap<string, unknown>;
}

const made = new WeakMap<FlagClient, ProjectKeys>();

export function projectKeys(held: Held<FlagClient>): ProjectKeys {
  let keys = made.get(held.built);
  if (keys === undefined) {
    keys = read(projectOf(held));
    made.set(held.built, keys);
  }
  return keys;
}

/** The whole description, made anew, of what is served: without the parts that were left out. */
export function projectOf({ body, sdkKey }: Held<FlagClient>): ProjectConfig {
  const datafile = JSON.parse(decodeText(body, sdkKey));
  makeLoadable(datafile);
  return projectConfig(datafile as DatafileShape);
}

function read({ experimentsMap, featuresMap, events, audiences }: ProjectConfig): ProjectKeys {
  const flags = Object.values(featuresMap);
  const keysOf = (rules: readonly { readonly key: string }[]) => rules.map(({ key }) => key);
  return {
    experiments: new Map(
      Object.values(experimentsMap).map((it) => [it.key, new Set(Object.keys(it.variationsMap))]),
    ),
    flags: new Map(flags.map((flag) => [flag.key, new Set(keysOf(flag.experimentRules))])),
    deliveryRules: new Map(flags.map((flag) => [flag.key, keysOf(flag.deliveryRules)])),
    events: new Set(keysOf(events)),
    audiences: new Map(audiences.map(({ id, conditions }) => [id, JSON.parse(conditions || 'null')])),
  };
}
