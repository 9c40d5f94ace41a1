// What a project has, by key, for the routes that answer by what is there. Made once per revision, on first use: few
// agents are ever asked. Maps and sets, so that `__proto__` is not a key of every project.

import type { FlagClient } from '../clients.ts';

export interface ProjectKeys {
  /** Experiment key → keys of its variations. */
  readonly experiments: ReadonlyMap<string, ReadonlySet<string>>;
  /** Flag key → keys of the experiments among its rules. */
  readonly flags: ReadonlyMap<string, ReadonlySet<string>>;
  readonly events: ReadonlySet<string>;
}

const made = new WeakMap<FlagClient, ProjectKeys>();

export function projectKeys(client: FlagClient): ProjectKeys {
  let keys = made.get(client);
  if (keys === undefined) {
    keys = read(client);
    made.set(client, keys);
  }
  return keys;
}

function read(client: FlagClient): ProjectKeys {
  const config = client.sdk.getOptimizelyConfig();
  const experiments = new Map<string, ReadonlySet<string>>();
  const flags = new Map<string, ReadonlySet<string>>();
  for (const [key, { variationsMap }] of Object.entries(config?.experimentsMap ?? {}))
    experiments.set(key, new Set(Object.keys(variationsMap)));
  for (const [key, { experimentRules }] of Object.entries(config?.featuresMap ?? {}))
    flags.set(key, new Set(experimentRules.map((rule) => rule.key)));
  return { experiments, flags, events: new Set((config?.events ?? []).map(({ key }) => key)) };
}
