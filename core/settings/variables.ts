// Settings that come from variables alone: variables in, values out, with every problem and every name that was probably
// mistyped. Where a file may say them too, the agent's layers.ts does the same.

import { linkedService, withoutLinks } from '../http/service-link.ts';
import { Cursor } from './cursor.ts';
import { nearest } from './nearest.ts';
import { type Environment, givenIn, type Setting } from './setting.ts';
import { type Findings, type Node, toNode } from './tree.ts';

/** The value of a variable of the list. Throws for one that is not in it: a reader must not know more than --help. */
export type ReadVariable<Name extends string> = (variable: Name) => Cursor;

/** @param findings takes what is wrong, also what the cursors find later */
export function readVariables<S extends Setting>(
  settings: readonly S[],
  env: Environment,
  findings: Findings,
): ReadVariable<S['variable']> {
  const nodes = new Map(settings.map((setting) => [setting.variable, nodeOf(setting, env, findings)]));
  for (const name of Object.keys(env)) noteMistyped(name, settings, env, findings);
  return (variable) => {
    const node = nodes.get(variable);
    if (node === undefined) throw new Error(`${variable} is not in the list of settings`);
    return new Cursor(node, findings, variable);
  };
}

function nodeOf(setting: Setting, env: Environment, findings: Findings): Node | null {
  const { variable, byDefault } = setting;
  const given = givenIn(env, setting, findings);
  const service = given === null ? null : linkedService(given.name, given.text);
  if (given !== null && service !== null)
    findings.problems.push(linkProblem(given.name, given.text, service));
  const isUsable = given !== null && service === null;
  return isUsable ? toNode(given.text, variable, given.name) : toNode(byDefault, variable, variable);
}

/** What Kubernetes' service links put into a variable, which must be a port. */
export const linkProblem = (variable: string, text: string, service: string): string =>
  `${variable} is "${text}" but must be a port: ${withoutLinks(service)}`;

/** A name that is close to one of the list and is none. Variables of other programs are no mistake. */
function noteMistyped(
  name: string,
  settings: readonly Setting[],
  env: Environment,
  findings: Findings,
): void {
  if (!name.startsWith('FANOUT_') || !env[name]) return;
  const known = settings.flatMap(({ variable, formerly }) => [variable, formerly ?? variable]);
  const meant = known.includes(name) ? null : nearest(name, known);
  if (meant !== null) findings.warnings.push(`${name} is not a setting; did you mean ${meant}?`);
}
