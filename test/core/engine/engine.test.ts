// What the engine refuses, and what becomes of a flag that it is told about. What it decides is held to the SDK elsewhere.

import { expect, it } from 'vitest';
import { makeLoadable } from '../../../core/datafile/loadable.ts';
import { Engine } from '../../../core/engine/engine.ts';
import { User } from '../../../core/engine/user.ts';
import { fullDatafile, type Loose } from '../../support/full-datafile.ts';

const SENDER = { name: 'Agent', version: '1' };
const ANN = new User('ann', {});

function engineOf(change: (datafile: Loose) => void = () => {}): Engine {
  const datafile = fullDatafile();
  change(datafile);
  makeLoadable(datafile);
  return new Engine(datafile, SENDER);
}

const refusals = (engine: Engine) =>
  Object.fromEntries(
    engine.flagKeys
      .map((key) => [key, engine.refusal(key)?.kind ?? null])
      .filter(([, kind]) => kind !== null),
  );

it('decides every flag of a datafile with one of everything', () => {
  const engine = engineOf();
  expect(refusals(engine)).toEqual({});
  expect(engine.flagKeys.map((key) => engine.decide(key, ANN)?.outcome.variationKey)).toEqual([
    ...['blue', 'red', 'on', 'off'],
  ]);
});

it.each<[string, (it: Loose) => void, object]>([
  [
    'a rule that asks for a prediction',
    (it) => (it.experiments[0].cmab = { attributeIds: [] }),
    { tested: 'prediction' },
  ],
  ['a rule of an unknown type', (it) => (it.experiments[0].type = 'quantum'), { tested: 'unknown' }],
  [
    'a rule with an unknown field',
    (it) => (it.rollouts[0].experiments[0].only = 1),
    { delivered: 'unknown' },
  ],
  ['a flag with an unknown field', (it) => (it.featureFlags[1].archived = true), { grouped: 'unknown' }],
  ['a group with an unknown field', (it) => (it.groups[0].weights = []), { grouped: 'unknown' }],
  [
    'a variation with an unknown field',
    (it) => (it.experiments[0].variations[0].if = 1),
    { tested: 'unknown' },
  ],
  [
    'a variable of an unknown type',
    (it) => (it.featureFlags[2].variables[0].type = 'date'),
    { delivered: 'unknown' },
  ],
  [
    'an audience that every object has',
    (it) => (it.experiments[0].audienceConditions = ['constructor']),
    { tested: 'odd' },
  ],
  ['a local holdout of an unknown type', (it) => (it.localHoldouts[0].type = 'x'), { tested: 'unknown' }],
])('leaves to the SDK %s, and nothing else', (_, change, refused) => {
  expect(refusals(engineOf(change))).toEqual(refused);
});

it('leaves every flag to the SDK where a holdout that is for all of them is unknown', () => {
  const engine = engineOf((it) => {
    it.holdouts[0].type = 'x';
  });
  expect(Object.keys(refusals(engine))).toEqual(engine.flagKeys);
});

it('knows the fields that have a name or a description', () => {
  const describe = (it: Loose) => {
    for (const part of [it.featureFlags[0], it.experiments[0], it.holdouts[0], it.rollouts[0]])
      Object.assign(part, { name: 'n', description: 'd' });
  };
  expect(refusals(engineOf(describe))).toEqual({});
});

it('decides a flag no more that is mistrusted, and as one without rules where it is set aside', () => {
  const engine = engineOf();
  engine.mistrust('tested');
  expect(engine.decide('tested', ANN)).toBeNull();
  expect(engine.refusal('tested')?.kind).toBe('mistrusted');
  engine.setAside('tested');
  expect(engine.decide('tested', ANN)?.outcome).toMatchObject({ variationKey: null, enabled: false });
  expect(engine.decide('tested', ANN)?.said.decision.variables).toEqual({ text: 'default' });
});

it('has nothing for a flag that is not there, and keeps nothing of it', () => {
  const engine = engineOf();
  expect(engine.decide('gone', ANN)).toBeNull();
  expect(engine.refusal('gone')).toBeNull();
  expect(engine.has('constructor')).toBe(false);
});

it('finds the ids of an override by its keys', () => {
  const engine = engineOf();
  expect(engine.overrideIds('test', 'blue')).toEqual({ experimentId: '101', variationId: '301' });
  expect(engine.overrideIds('test', 'gone')).toEqual({ experimentId: '101', variationId: null });
  expect(engine.overrideIds('gone', 'blue')).toBeNull();
});
