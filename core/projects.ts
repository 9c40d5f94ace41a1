// The project table: which webhooks we accept and which datafiles they may touch. Parsed and checked here; where it
// comes from (environment, secret store) is the functions' business. Holds secrets: never log it.

import { parseJsonWithin } from './datafile/json-depth.ts';
import { FanoutError, messageOf } from './errors.ts';
import { type SdkKey, toSdkKey } from './ids.ts';
import type { DatafileUpdated } from './webhook.ts';

export interface DatafileSource {
  readonly sdkKey: SdkKey;
  /** Environment name or key, compared without case. */
  readonly environment: string;
  /** Datafile access token of a secure environment; fetched from the authenticated URL then. */
  readonly accessToken?: string;
}

export interface Project {
  readonly projectId: string;
  /** Every secret that is valid now; several during a rotation. */
  readonly secrets: readonly string[];
  readonly datafiles: readonly DatafileSource[];
}

export type ProjectTable = ReadonlyMap<string, Project>;

/**
 * Parses `[{projectId, secrets, datafiles: [{sdkKey, environment, accessToken?}]}]` and reports every problem at once.
 * @throws FanoutError CONFIG_INVALID
 */
export function parseProjects(json: string): ProjectTable {
  const problems: string[] = [];
  const table = new Map<string, Project>();
  const owners = new Map<SdkKey, string>();
  for (const [i, entry] of parseArray(json, problems).entries()) {
    const project = parseProject(entry, `[${i}]`, problems);
    if (table.has(project.projectId)) problems.push(`[${i}].projectId ${project.projectId} appears twice`);
    for (const { sdkKey } of project.datafiles) {
      if (owners.has(sdkKey)) problems.push(`[${i}] SDK key ${sdkKey} appears twice`);
      owners.set(sdkKey, project.projectId);
    }
    table.set(project.projectId, project);
  }
  if (problems.length > 0) throw invalid(problems);
  return table;
}

/** The datafiles a webhook is about: the key its URL names, else the keys of its environment, and no other. */
export function datafilesOf(project: Project, event: DatafileUpdated): readonly DatafileSource[] {
  if (event.sdkKey !== null) return project.datafiles.filter(({ sdkKey }) => sdkKey === event.sdkKey);
  const environment = event.environment.toLowerCase();
  return project.datafiles.filter((datafile) => datafile.environment.toLowerCase() === environment);
}

function parseArray(json: string, problems: string[]): readonly unknown[] {
  try {
    const value: unknown = parseJsonWithin(json);
    if (Array.isArray(value) && value.length > 0) return value;
    problems.push('must be a JSON array with at least one project');
  } catch (error) {
    // The parser quotes its input, which holds secrets: keep only where it stopped.
    problems.push(`is not JSON${/ at position \d+/.exec(messageOf(error))?.[0] ?? ''}`);
  }
  return [];
}

function parseProject(entry: unknown, at: string, problems: string[]): Project {
  const { projectId, secrets, datafiles } = asRecord(entry);
  const id = typeof projectId === 'number' ? String(projectId) : projectId;
  if (typeof id !== 'string' || !/^\d{1,20}$/.test(id)) problems.push(`${at}.projectId must be a number`);
  if (
    !Array.isArray(secrets) ||
    secrets.length === 0 ||
    !secrets.every((secret) => typeof secret === 'string' && secret !== '')
  ) {
    problems.push(`${at}.secrets must be an array of at least one non-empty string`);
  }
  if (!Array.isArray(datafiles) || datafiles.length === 0)
    problems.push(`${at}.datafiles must be an array of at least one entry`);
  const sources = (Array.isArray(datafiles) ? datafiles : []).flatMap((datafile, i) =>
    parseSource(datafile, `${at}.datafiles[${i}]`, problems),
  );
  return { projectId: String(id), secrets: Array.isArray(secrets) ? secrets : [], datafiles: sources };
}

function parseSource(entry: unknown, at: string, problems: string[]): DatafileSource[] {
  const { sdkKey, environment, accessToken } = asRecord(entry);
  if (typeof environment !== 'string' || environment === '')
    problems.push(`${at}.environment must be a non-empty string`);
  if (accessToken !== undefined && (typeof accessToken !== 'string' || accessToken === '')) {
    problems.push(`${at}.accessToken must be a non-empty string when it is there`);
  }
  try {
    const source = { sdkKey: toSdkKey(String(sdkKey)), environment: String(environment) };
    return [typeof accessToken === 'string' ? { ...source, accessToken } : source];
  } catch (error) {
    problems.push(`${at}.sdkKey: ${messageOf(error)}`);
    return [];
  }
}

const asRecord = (value: unknown): Record<string, unknown> =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {};

const invalid = (problems: readonly string[]) =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: `The project table is wrong: ${problems.join('; ')}`,
    remedy: 'See "The project table" in docs/configuration.md for its shape.',
    retryable: false,
  });
