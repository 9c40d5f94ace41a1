// The changes between two datafiles, in the words of the app: flags first, then the parts of flags. A change of the bytes that has
// no such words is reported as one, so that the operator does not believe that nothing changed.

import type { DatafileView, FlagView, RuleView, VariationView } from './model.ts';

export interface Change {
  /** What it is about: `flag "checkout"`, `audience "Beta users"`, `project`. */
  readonly subject: string;
  readonly text: string;
}

/** In the order of the newer datafile; empty when a person would see no difference. */
export function diffDatafiles(before: DatafileView, after: DatafileView): Change[] {
  return [
    ...diffFlags(before.flags, after.flags),
    ...diffTexts('audience', before.audiences, after.audiences),
    ...diffNames('attribute', before.attributes, after.attributes),
    ...diffNames('event', before.events, after.events),
    ...diffOthers(before.others, after.others),
  ];
}

function diffFlags(before: ReadonlyMap<string, FlagView>, after: ReadonlyMap<string, FlagView>): Change[] {
  const changes: Change[] = [];
  for (const [key, flag] of after) {
    const subject = `flag "${key}"`;
    const old = before.get(key);
    if (old === undefined) changes.push({ subject, text: `new, with ${countOf(flag.rules)}` });
    else for (const text of diffFlag(old, flag)) changes.push({ subject, text });
  }
  for (const key of before.keys())
    if (!after.has(key)) changes.push({ subject: `flag "${key}"`, text: 'removed' });
  return changes;
}

function diffFlag(before: FlagView, after: FlagView): string[] {
  const texts: string[] = [];
  for (const [name, value] of after.defaults) {
    const old = before.defaults.get(name);
    if (old === undefined) texts.push(`new variable ${name}, by default ${quote(value)}`);
    else if (old !== value) texts.push(`default of ${name} ${quote(old)} → ${quote(value)}`);
  }
  for (const name of before.defaults.keys())
    if (!after.defaults.has(name)) texts.push(`variable ${name} removed`);
  const [oldRules, newRules] = [byKey(before.rules), byKey(after.rules)];
  for (const [key, rule] of newRules) {
    const old = oldRules.get(key);
    if (old === undefined) texts.push(`new ${nameOf(rule)}: ${sentenceOf(rule)}`);
    else texts.push(...diffRule(old, rule));
  }
  for (const [key, rule] of oldRules) if (!newRules.has(key)) texts.push(`${nameOf(rule)} removed`);
  const [oldOrder, newOrder] = [commonKeys(oldRules, newRules), commonKeys(newRules, oldRules)];
  if (oldOrder.join('\n') !== newOrder.join('\n'))
    texts.push(`rules are tried in another order: ${oldOrder.join(', ')} → ${newOrder.join(', ')}`);
  return [...texts, ...diffVariations(before, after)];
}

function diffRule(before: RuleView, after: RuleView): string[] {
  const texts: string[] = [];
  const name = nameOf(after);
  if (before.kind !== after.kind) texts.push(`${name} was of kind ${before.kind}, is ${after.kind}`);
  if (before.isRunning !== after.isRunning) texts.push(`${name} ${after.isRunning ? 'started' : 'stopped'}`);
  if (before.percent !== after.percent) texts.push(`${name} traffic ${before.percent}% → ${after.percent}%`);
  if (before.audience !== after.audience)
    texts.push(`${name} audience ${before.audience} → ${after.audience}`);
  const [oldSplit, newSplit] = [splitOf(before), splitOf(after)];
  if (oldSplit !== newSplit && (before.percent === after.percent || after.variations.length > 1))
    texts.push(`${name} variations ${oldSplit} → ${newSplit}`);
  for (const [user, variation] of after.forced)
    if (before.forced.get(user) !== variation)
      texts.push(`${name} forces user "${user}" into "${variation}"`);
  for (const user of before.forced.keys())
    if (!after.forced.has(user)) texts.push(`${name} no longer forces user "${user}"`);
  return texts;
}

/** Rules share variations: one that changed in all of them the same way is told once. */
function diffVariations(before: FlagView, after: FlagView): string[] {
  const rulesByText = new Map<string, string[]>();
  const oldRules = byKey(before.rules);
  let compared = 0;
  for (const rule of after.rules) {
    const old = new Map(oldRules.get(rule.key)?.variations.map((variation) => [variation.key, variation]));
    for (const variation of rule.variations) {
      const oldVariation = old.get(variation.key);
      if (oldVariation === undefined) continue;
      compared += 1;
      for (const text of diffVariation(oldVariation, variation, before, after)) {
        const where = rulesByText.get(text) ?? [];
        rulesByText.set(text, [...where, nameOf(rule)]);
      }
    }
  }
  return [...rulesByText].map(([text, rules]) => {
    const users = after.rules.filter(({ variations }) =>
      variations.some(({ key }) => text.startsWith(`variation "${key}"`)),
    );
    return compared > 1 && rules.length < users.length ? `${text} (in ${rules.join(', ')})` : text;
  });
}

function diffVariation(
  before: VariationView,
  after: VariationView,
  oldFlag: FlagView,
  newFlag: FlagView,
): string[] {
  const name = `variation "${after.key}"`;
  const texts: string[] = [];
  if (before.isOn !== after.isOn) texts.push(`${name} turned ${after.isOn ? 'on' : 'off'}`);
  for (const variable of new Set([...before.values.keys(), ...after.values.keys()])) {
    // A variable that came or went with the flag is told there.
    if (!oldFlag.defaults.has(variable) || !newFlag.defaults.has(variable)) continue;
    const [old, value] = [before.values.get(variable), after.values.get(variable)];
    if (old !== value) texts.push(`${name}: ${variable} ${quoteOr(old)} → ${quoteOr(value)}`);
  }
  return texts;
}

function diffTexts(
  what: string,
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): Change[] {
  const changes: Change[] = [];
  for (const [name, text] of after) {
    const old = before.get(name);
    if (old === undefined) changes.push({ subject: `${what} "${name}"`, text: `new: ${text}` });
    else if (old !== text) changes.push({ subject: `${what} "${name}"`, text: `${old} → ${text}` });
  }
  for (const name of before.keys())
    if (!after.has(name)) changes.push({ subject: `${what} "${name}"`, text: 'removed' });
  return changes;
}

function diffNames(what: string, before: readonly string[], after: readonly string[]): Change[] {
  const added = after.filter((name) => !before.includes(name));
  const removed = before.filter((name) => !after.includes(name));
  return [
    ...added.map((name) => ({ subject: `${what} "${name}"`, text: 'new' })),
    ...removed.map((name) => ({ subject: `${what} "${name}"`, text: 'removed' })),
  ];
}

const OTHER_CHARACTERS_MAX = 60;

function diffOthers(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): Change[] {
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names
    .filter((name) => before.get(name) !== after.get(name))
    .map((name) => ({
      subject: 'project',
      text: `${name} ${short(before.get(name))} → ${short(after.get(name))}`,
    }));
}

const short = (json: string | undefined): string => {
  if (json === undefined) return '(none)';
  return json.length > OTHER_CHARACTERS_MAX ? `${json.slice(0, OTHER_CHARACTERS_MAX)}…` : json;
};

/** A rule in one line, as `fanout datafile show` prints it. */
export function sentenceOf(rule: RuleView): string {
  const stopped = rule.isRunning ? '' : ', not running';
  const variations =
    rule.variations.length > 1
      ? ` of them ${splitOf(rule)}`
      : ` get "${rule.variations[0]?.key ?? '(none)'}"`;
  return `${rule.audience}: ${rule.percent}%${variations}${stopped}`;
}

export const nameOf = ({ key, kind }: RuleView): string =>
  kind === 'everyone else' ? 'everyone else' : `${kind === 'experiment' ? 'experiment' : 'rule'} "${key}"`;

const splitOf = ({ variations }: RuleView): string =>
  variations.map(({ key, percent }) => `"${key}" ${percent}%`).join(', ') || '(none)';

const byKey = (rules: readonly RuleView[]): Map<string, RuleView> =>
  new Map(rules.map((rule) => [rule.key, rule]));
const commonKeys = (of: ReadonlyMap<string, RuleView>, other: ReadonlyMap<string, RuleView>): string[] =>
  [...of.keys()].filter((key) => other.has(key));
const countOf = ({ length }: readonly unknown[]): string => `${length} ${length === 1 ? 'rule' : 'rules'}`;
const quote = (value: string): string => JSON.stringify(value);
const quoteOr = (value: string | undefined): string => (value === undefined ? 'default' : quote(value));
