// Makes a parsed datafile one that the Optimizely SDK for JavaScript (6.6.1) can load and decide by: what it would stumble
// over is left out or put into the shape that it expects, so that one odd part never refuses a whole project. Where
// Optimizely's Agent serves a datafile the decisions are the same as there: what is missing or null is empty to it.
// The only place that knows what the SDK stumbles over. Pure, but for the datafile that it is given. Each part is walked over
// once by methods of arrays: in code that runs once per change, and so is never compiled well, `for … of` makes garbage at each step.

import { type LeftOut, partName } from './left-out.ts';
import { type Fields, isFields, isName, Notes } from './left-out-notes.ts';
import { makeConditionsReadable } from './readable-conditions.ts';

const LISTS = [
  ...['experiments', 'featureFlags', 'rollouts', 'groups', 'audiences', 'typedAudiences', 'attributes'],
  ...['events', 'integrations', 'holdouts', 'localHoldouts'],
];
/** Every project has them; without one there is less to serve than an operator may think. */
const LISTS_EXPECTED: ReadonlySet<string> = new Set(['experiments', 'featureFlags', 'rollouts']);
/** Statuses are not looked at by Optimizely's Agent; a rule that has none runs there. */
const RUNNING = 'Running';

/**
 * Changes `datafile` in place, before anything decides by it.
 * @returns what was left out, in the datafile's order, at most LEFT_OUT_MAX parts
 */
export function makeLoadable(datafile: Fields): readonly LeftOut[] {
  const notes = new Notes(datafile);
  // Events say it either way, as Optimizely's Agent's do.
  datafile.botFiltering ??= false;
  for (const name of LISTS) {
    const isExpected = LISTS_EXPECTED.has(name) && (datafile[name] ?? null) === null;
    if (isExpected) notes.add(null, `list "${name}"`, 'is missing');
    objectsIn(datafile, name, (why) => notes.add(null, `list "${name}"`, why));
  }
  const experiments = objectsOf(datafile, 'experiments');
  keep(datafile, 'experiments', (rule) => isLoadableRule(rule, 'experiment', notes));
  // Set by the SDK from the group that holds an experiment; it throws at one that is not there.
  for (const experiment of experiments) delete experiment.groupId;
  keep(datafile, 'groups', (group) => isLoadableGroup(group, notes));
  keep(datafile, 'rollouts', (rollout) => isLoadableRollout(rollout, notes));
  keep(datafile, 'holdouts', (holdout) => isLoadableRule(holdout, 'holdout', notes));
  keep(datafile, 'localHoldouts', (holdout) => isLocalHoldout(holdout, notes));
  for (const name of ['audiences', 'typedAudiences']) {
    keep(datafile, name, named('audience', 'id', notes));
    keepFirst(datafile, name, 'id');
  }
  for (const audience of objectsOf(datafile, 'audiences')) makeConditionsReadable(audience, 'text', notes);
  for (const audience of objectsOf(datafile, 'typedAudiences'))
    makeConditionsReadable(audience, 'parsed', notes);
  keep(datafile, 'attributes', named('attribute', 'key', notes));
  keepFirst(datafile, 'attributes', 'id');
  keep(datafile, 'events', named('event', 'key', notes));
  keep(datafile, 'integrations', named('integration', 'key', notes));
  keep(datafile, 'featureFlags', named('flag', 'key', notes));
  const all = experimentsOf(datafile);
  const predicted = all.filter(({ cmab }) => isFields(cmab));
  const isAttribute = knownIn(predicted.length === 0 ? [] : objectsOf(datafile, 'attributes'));
  predicted.forEach((rule) => {
    keepKnownAttributes(rule, isAttribute, notes);
  });
  const known = { isExperiment: knownIn(all), isRollout: knownIn(objectsOf(datafile, 'rollouts')) };
  objectsOf(datafile, 'featureFlags').forEach((flag) => {
    makeFlagLoadable(flag, known, notes);
  });
  return notes.parts();
}

type IsKnown = (id: unknown) => boolean;

interface Known {
  readonly isExperiment: IsKnown;
  readonly isRollout: IsKnown;
}

/** By a set: a name of Object.prototype would be found by the SDK, and so would "undefined". */
function knownIn(parts: readonly Fields[]): IsKnown {
  const ids = new Set<string>();
  parts.forEach(({ id }) => {
    ids.add(String(id));
  });
  return (id) => isName(id) && ids.has(String(id));
}

/** Also the experiments of groups. */
const experimentsOf = (datafile: Fields): readonly Fields[] => [
  ...objectsOf(datafile, 'experiments'),
  ...objectsOf(datafile, 'groups').flatMap((group) => objectsOf(group, 'experiments')),
];

/** The SDK throws where a prediction is asked for by an attribute that is gone, so that the user gets no variation at all. */
function keepKnownAttributes(rule: Fields, isKnown: IsKnown, notes: Notes): void {
  const cmab = rule.cmab as Fields;
  const asked = cmab.attributeIds as readonly unknown[];
  cmab.attributeIds = asked.filter((id) => {
    if (isKnown(id)) return true;
    const why = 'is not in the datafile, and no prediction is asked for by it';
    return notes.drop({ rule }, partName('attribute', id), why);
  });
}

function makeFlagLoadable(flag: Fields, { isExperiment, isRollout }: Known, notes: Notes): void {
  const { experimentIds, rolloutId } = flag;
  const ids: unknown[] = Array.isArray(experimentIds) ? experimentIds : [];
  flag.experimentIds = ids.every(isExperiment)
    ? ids
    : ids.filter(
        (id) =>
          isExperiment(id) || notes.drop(ownerOf(flag), partName('experiment', id), 'is not in the datafile'),
      );
  if (!isRollout(rolloutId)) {
    if ((rolloutId ?? '') !== '')
      notes.add(ownerOf(flag), partName('rollout', rolloutId), 'is not in the datafile');
    flag.rolloutId = '';
  }
  objectsIn(flag, 'variables', (why) => notes.add(ownerOf(flag), 'list "variables"', why));
  keep(
    flag,
    'variables',
    (variable) => isLoadableVariable(variable) || notes.drop(ownerOf(flag), 'a variable', 'has no key'),
  );
}

const ownerOf = ({ key }: Fields) => ({ flagKey: String(key) });

function isLoadableVariable(variable: Fields): boolean {
  // The empty text: its type's zero, and said to be no value of its type, as by Optimizely's Agent.
  variable.defaultValue ??= '';
  return isName(variable.key);
}

function isLoadableGroup(group: Fields, notes: Notes): boolean {
  group.id ??= '';
  if (!isName(group.id)) return notes.drop(null, 'a group', 'has an id that is no text');
  const note = (why: string) => notes.add(null, partName('group', group.id), why);
  expectList(group, 'trafficAllocation', note);
  objectsIn(group, 'experiments', note);
  keep(group, 'experiments', (rule) => isLoadableRule(rule, 'experiment', notes));
  return true;
}

function isLoadableRollout(rollout: Fields, notes: Notes): boolean {
  if (!isName(rollout.id)) return notes.drop(null, 'a rollout', 'has no id');
  objectsIn(rollout, 'experiments', (why) => notes.add(null, partName('rollout', rollout.id), why));
  keep(rollout, 'experiments', (rule) => isLoadableRule(rule, 'rule', notes));
  return true;
}

/** A local holdout applies to the rules that it names; without names it applies to none. */
function isLocalHoldout(holdout: Fields, notes: Notes): boolean {
  if (!isLoadableRule(holdout, 'holdout', notes)) return false;
  const named: readonly unknown[] = Array.isArray(holdout.includedRules) ? holdout.includedRules : [];
  // The SDK would take a name that every object has for a rule that it has seen, and throw.
  const rules = named.filter((id) => isName(id) && !(String(id) in Object.prototype));
  holdout.includedRules = rules;
  if (rules.length > 0) return true;
  return notes.drop(null, partName('holdout', holdout.key), 'names no rules');
}

/** Of experiments, rules of rollouts and holdouts alike. */
function isLoadableRule(rule: Fields, kind: 'experiment' | 'rule' | 'holdout', notes: Notes): boolean {
  rule.id ??= '';
  rule.key ??= '';
  if (!isName(rule.id) || !isName(rule.key))
    return notes.drop({ rule }, `a ${kind}`, 'has an id or key that is no text');
  const note = (why: string) => notes.add({ rule }, partName(kind, rule.key), why);
  if (kind !== 'holdout' && (rule.status ?? '') === '') rule.status = RUNNING;
  expectList(rule, 'trafficAllocation', note);
  expectList(rule, 'variations', note);
  keep(rule, 'variations', (variation) => isLoadableVariation(variation, note));
  makeAudiencesReadable(rule, note);
  if (!isFields(rule.forcedVariations)) {
    if ((rule.forcedVariations ?? null) !== null) note('has a list of forced variations that is no object');
    rule.forcedVariations = {};
  }
  if (isFields(rule.cmab)) {
    if (!Array.isArray(rule.cmab.attributeIds)) rule.cmab.attributeIds = [];
  } else if ((rule.cmab ?? null) !== null) {
    note('has predictions that are no object');
    delete rule.cmab;
  }
  return true;
}

/** The SDK takes a text for no conditions where it is empty, and Optimizely's Agent for "everyone". */
function makeAudiencesReadable(rule: Fields, note: (why: string) => void): void {
  if (!Array.isArray(rule.audienceIds)) rule.audienceIds = [];
  const conditions = rule.audienceConditions ?? null;
  if (conditions === null) delete rule.audienceConditions;
  else if (typeof conditions === 'string') rule.audienceConditions = conditions === '' ? [] : [conditions];
  else if (!Array.isArray(conditions)) {
    // Which users it was meant for cannot be told, so no user gets it.
    note('has audience conditions that are neither a list nor a text');
    rule.audienceConditions = [''];
  } else rule.audienceConditions = withOperators(conditions);
}

/** "or" is meant where a list begins with another list; the SDK would take that for the operator, and forget it. */
function withOperators(conditions: readonly unknown[]): readonly unknown[] {
  if (!conditions.some(Array.isArray)) return conditions;
  const inner = conditions.map((one) => (Array.isArray(one) ? withOperators(one) : one));
  return Array.isArray(inner[0]) ? ['or', ...inner] : inner;
}

function isLoadableVariation(variation: Fields, note: (why: string) => void): boolean {
  variation.id ??= '';
  variation.key ??= '';
  if (!isName(variation.id) || !isName(variation.key)) {
    note('has a variation whose id or key is no text');
    return false;
  }
  if (variation.key === '') note('has a variation without a key');
  objectsIn(variation, 'variables', note).forEach(giveValue);
  return true;
}

function giveValue(variable: Fields): void {
  variable.value ??= '';
}

/** Without the list the part has no effect at all, which should be told. */
function expectList(owner: Fields, name: string, note: (why: string) => void): void {
  if ((owner[name] ?? null) === null) note(`has no list "${name}"`);
  objectsIn(owner, name, note);
}

/** The objects in a list, which is one from now on and holds nothing else. */
function objectsIn(owner: Fields, name: string, note: (why: string) => void): readonly Fields[] {
  const value = owner[name] ?? [];
  if (Array.isArray(value) && value.every(isFields)) {
    owner[name] = value;
    return value;
  }
  note(Array.isArray(value) ? `has an entry in "${name}" that is no object` : `has no list in "${name}"`);
  owner[name] = Array.isArray(value) ? value.filter(isFields) : [];
  return objectsOf(owner, name);
}

/** The parts of a list that objectsIn() has checked. */
const objectsOf = (owner: Fields, name: string) => owner[name] as readonly Fields[];

/** Nearly always all are kept, and nothing is copied. */
function keep(owner: Fields, name: string, isKept: (part: Fields) => boolean): void {
  const parts = objectsOf(owner, name);
  let dropped: Set<Fields> | null = null;
  parts.forEach((part) => {
    if (!isKept(part)) dropped = (dropped ?? new Set<Fields>()).add(part);
  });
  if (dropped !== null) owner[name] = parts.filter((part) => !dropped?.has(part));
}

/** Of parts with the same id Optimizely's Agent takes the first, the SDK the last. */
function keepFirst(owner: Fields, name: string, idField: string): void {
  const seen = new Set<unknown>();
  keep(owner, name, (part) => !seen.has(part[idField]) && seen.add(part[idField]) !== undefined);
}

const named =
  (kind: string, field: string, notes: Notes) =>
  (part: Fields): boolean =>
    isName(part[field]) ||
    notes.drop(null, `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`, `has no ${field}`);
