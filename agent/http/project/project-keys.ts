// What a project has, by key, for the routes that answer by what is there. Made once per revision, on first use: few
// agents are ever asked. Maps and sets, so that `__proto__` is not a key of every project.

import { decodeText } from '../../../core/datafile/datafile.ts';
import { makeLoadable } from '../../../core/datafile/loadable.ts';
import type { DatafileJson } from '../../../core/datafile/shape.ts';
import { typedValue } from '../../../core/engine/said/variable-value.ts';
import type { Held } from '../../datafiles/store.ts';
import type { FlagClient } from '../../decisions/flag-client.ts';

import { audiencesOf, type ProjectConfig, projectConfig } from './project-config.ts';

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
  /** By variable key, for a flag that was not decided. */
  readonly defaultVariables: (flagKey: string) => Record<string, unknown>;
}

const made = new WeakMap<FlagClient, ProjectKeys>();

export function projectKeys(held: Held<FlagClient>): ProjectKeys {
  let keys = made.get(held.built);
  if (keys === undefined) {
    keys = read(datafileOf(held));
    made.set(held.built, keys);
  }
  return keys;
}

/** The whole description, made anew, of what is served: without the parts that were left out. */
export const projectOf = (held: Held<FlagClient>): ProjectConfig => projectConfig(datafileOf(held));

function datafileOf({ body, sdkKey }: Held<FlagClient>): DatafileJson {
  const datafile = JSON.parse(decodeText(body, sdkKey));
  makeLoadable(datafile);
  return datafile as DatafileJson;
}

function read(datafile: DatafileJson): ProjectKeys {
  const { experimentsMap, featuresMap, events } = projectConfig(datafile);
  const flags = Object.values(featuresMap);
  const keysOf = (rules: readonly { readonly key: string }[]) => rules.map(({ key }) => key);
  return {
    experiments: new Map(
      Object.values(experimentsMap).map((it) => [it.key, new Set(Object.keys(it.variationsMap))]),
    ),
    flags: new Map(flags.map((flag) => [flag.key, new Set(keysOf(flag.experimentRules))])),
    deliveryRules: new Map(flags.map((flag) => [flag.key, keysOf(flag.deliveryRules)])),
    events: new Set(keysOf(events)),
    audiences: new Map([...audiencesOf(datafile)].map(([id, { conditions }]) => [id, parsed(conditions)])),
    defaultVariables: (flagKey) => {
      const variables = Object.values(featuresMap[flagKey]?.variablesMap ?? {});
      return Object.fromEntries(
        variables.map(({ key, type, value }) => [key, typedValue(type, value).value]),
      );
    },
  };
}

/** Null for what cannot be read: no user is in such an audience. */
function parsed(conditions: unknown): unknown {
  if (typeof conditions !== 'string') return conditions ?? null;
  try {
    return JSON.parse(conditions);
  } catch {
    return null; // An audience that the SDK cannot read either.
  }
}
