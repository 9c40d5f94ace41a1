// Lays the sources of settings over each other: defaults, the file, the environment; the later wins. Notes names that
// are no setting. Knows the list of settings, not what their values may be.

import { messageOf } from '../../core/errors.ts';
import { linkedService, withoutLinks } from '../../core/http/service-link.ts';
import { nearest } from '../../core/settings/nearest.ts';
import { type Environment, givenIn } from '../../core/settings/setting.ts';
import {
  type Findings,
  markDefaults,
  markUsed,
  merge,
  type Node,
  place,
  toNode,
  unused,
} from '../../core/settings/tree.ts';
import { linkProblem } from '../../core/settings/variables.ts';
import type { ConfigFile } from './file.ts';
import { SETTINGS, type Setting } from './settings.ts';

const DEFAULT_ORIGIN = 'the default of ';
const VARIABLE_PATTERN = /^(?:OPTIMIZELY|FANOUT)_/;
/** The functions' own that look like one of ours. */
const OF_FUNCTIONS = ['FANOUT_SNS_ENDPOINT', 'FANOUT_NATS_CREDS'];
/** The list cannot name these: the id is part of the name. */
const PROJECT_PATTERN = /^OPTIMIZELY_WEBHOOK_PROJECTS_(\d+)_(SDKKEYS|SECRET|SKIPSIGNATURECHECK)$/;

/** All settings as one tree. */
export function layers(env: Environment, file: ConfigFile | null, findings: Findings): Node {
  const root: Node = { name: '', origin: '', value: new Map(), used: true };
  for (const { path, byDefault } of SETTINGS) put(root, path, byDefault, `${DEFAULT_ORIGIN}${path}`);
  markDefaults(root);
  if (file !== null && 'problem' in file) findings.problems.push(file.problem);
  else if (file !== null) {
    const node = toNode(file.contents, '', file.path);
    if (node !== null) {
      for (const setting of SETTINGS) renameInFile(node, setting, findings);
      merge(root, node);
    }
  }
  for (const setting of SETTINGS) fromVariable(root, env, setting, findings);
  for (const [name, value] of Object.entries(env)) {
    const [, id, field] = PROJECT_PATTERN.exec(name) ?? [];
    if (id !== undefined && value) put(root, `webhook.projects.${id}.${field?.toLowerCase()}`, value, name);
  }
  noteUnusable(root, findings);
  noteUnknownVariables(env, findings);
  return root;
}

/** Call when everything has been read: an entry that no reader asked for is not a setting. */
export function noteUnknownInFile(root: Node, file: ConfigFile | null, findings: Findings): void {
  if (file === null) return;
  const paths = SETTINGS.map(({ path }) => path);
  for (const { origin } of unused(root)) {
    if (!origin.startsWith(`${file.path}: `)) continue;
    const path = origin.slice(file.path.length + 2);
    const text = `${origin} is not a setting${hint(nearest(path, paths))}`;
    // Files may hold settings of other versions of the original; `fanout` is ours alone.
    if (path.startsWith('fanout.')) findings.problems.push(text);
    else findings.warnings.push(text);
  }
}

function put(root: Node, path: string, value: unknown, origin: string): void {
  const name = path.split('.').at(-1) as string;
  const node = toNode(value, name, origin);
  if (node === null) return;
  const holder: Node = { name: '', origin: '', value: new Map(), used: true };
  place(holder, path.toLowerCase(), node);
  merge(root, holder);
}

/** Moves what stands under a setting's former path to where it is now. */
function renameInFile(file: Node, { path, formerPath }: Setting, findings: Findings): void {
  if (formerPath === undefined) return;
  const [section = '', name = ''] = formerPath.toLowerCase().split('.');
  const inSection = file.value instanceof Map ? file.value.get(section)?.value : undefined;
  const old = inSection instanceof Map ? inSection.get(name) : undefined;
  if (!(inSection instanceof Map) || old === undefined) return;
  inSection.delete(name);
  const now = path.toLowerCase().split('.')[1] ?? '';
  if (inSection.has(now)) findings.warnings.push(`${old.origin} has no effect: ${path} is set too`);
  else {
    inSection.set(now, old);
    findings.warnings.push(`${old.origin} is now called ${path}; rename it`);
  }
}

function fromVariable(root: Node, env: Environment, setting: Setting, findings: Findings): void {
  const { path, kind } = setting;
  const given = givenIn(env, setting, findings);
  if (given === null) return;
  const { name: variable, text: value } = given;
  const service = linkedService(variable, value);
  if (service !== null) {
    findings.problems.push(linkProblem(variable, value, service));
    return;
  }
  const isJson = kind === 'map' || kind === 'objects' || (kind === 'list' && value.startsWith('['));
  if (!isJson) {
    put(root, path, value, variable);
    return;
  }
  try {
    const parsed: unknown = JSON.parse(value);
    if (Array.isArray(parsed) === (kind === 'map') || parsed === null || typeof parsed !== 'object')
      findings.problems.push(`${variable} must be JSON: ${kind === 'map' ? 'an object' : 'an array'}`);
    else put(root, path, parsed, variable);
  } catch (error) {
    // Its text may hold secrets, and the parser repeats it.
    const where = /at position \d+/.exec(messageOf(error))?.[0] ?? 'at its end';
    findings.problems.push(`${variable} is not JSON: an error ${where}`);
  }
}

function noteUnusable(root: Node, findings: Findings): void {
  for (const { path, unused: why } of SETTINGS) {
    if (why === undefined) continue;
    let node: Node | undefined = root;
    for (const key of path.toLowerCase().split('.')) {
      node = node?.value instanceof Map ? node.value.get(key) : undefined;
      if (node !== undefined && node.value instanceof Map) node.used = true;
    }
    if (node === undefined) continue;
    markUsed(node);
    if (!isNothing(node)) findings.warnings.push(`${node.origin} has no effect: ${why}`);
  }
}

const isEmptyMap = ({ value }: Node): boolean => value instanceof Map && value.size === 0;

/** Zero, false and empty values ask for nothing; a name in a map with nothing below it does (`interceptors: { httplog: {} }`). */
function isNothing({ value }: Node): boolean {
  if (value instanceof Map)
    return [...value.values()].every((child) => !isEmptyMap(child) && isNothing(child));
  if (Array.isArray(value)) return value.length === 0;
  return ['', '0', 'false'].includes(String(value));
}

function noteUnknownVariables(env: Environment, findings: Findings): void {
  const known = SETTINGS.flatMap(({ variable, formerly }) => [variable, formerly ?? variable]);
  for (const [name, value] of Object.entries(env)) {
    if (!VARIABLE_PATTERN.test(name) || PROJECT_PATTERN.test(name)) continue;
    if (known.includes(name) || OF_FUNCTIONS.includes(name)) continue;
    const meant = nearest(name, known);
    const service = linkedService(name, value);
    // A name that reads like a setting's may still have been meant as one.
    if (service !== null && meant !== null)
      findings.warnings.push(`${name} is not a setting and has no effect; ${withoutLinks(service)}`);
    // FANOUT_ variables of the functions are no mistake.
    else if (service === null && (meant !== null || !name.startsWith('FANOUT_')))
      findings.warnings.push(`${name} is not a setting${hint(meant)}`);
  }
}

const hint = (meant: string | null): string => (meant === null ? '' : `; did you mean ${meant}?`);
