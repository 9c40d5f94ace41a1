// What of a datafile's variables is found to be no value of its type: through the class itself, on parsed datafiles.

import { expect, it } from 'vitest';
import { InvalidVariables } from '../../../agent/decisions/invalid-variables.ts';

const datafileWith = (type: string, defaultValue: string, value = defaultValue) => ({
  featureFlags: [
    { key: 'flag', experimentIds: ['1'], variables: [{ id: '7', key: 'size', type, defaultValue }] },
  ],
  experiments: [{ id: '1', key: 'rule', variations: [{ key: 'on', variables: [{ id: '7', value }] }] }],
});
const ON = { flagKey: 'flag', ruleKey: 'rule', variationKey: 'on', enabled: true };
const OFF = { ...ON, enabled: false };
const REASON = 'Variable value for key "size" is invalid or wrong type.';

it.each([
  ['integer', '12'],
  ['double', '0.5'],
  ['boolean', 'true'],
  ['string', 'anything'],
  ['json', '{"a":1}'],
])('a variable of type %s with value %s is valid', (type, text) => {
  const datafile = datafileWith(type, text);
  expect(InvalidVariables.of(datafile)).toBeNull();
  expect(datafile).toEqual(datafileWith(type, text));
});

it('a value that is none of its type is told of for the variation that has it, and for no other', () => {
  const invalid = InvalidVariables.of(datafileWith('integer', '3', 'many'));
  expect(invalid?.reasonsOf(ON)).toEqual([REASON]);
  expect(invalid?.reasonsOf(OFF)).toEqual([]);
});

it('an odd but valid value is rewritten the usual way', () => {
  const datafile = datafileWith('boolean', 'T', '0');
  expect(InvalidVariables.of(datafile)).toBeNull();
  expect(datafile).toEqual(datafileWith('boolean', 'true', 'false'));
});

it.each(['constructor', 'toString', '__proto__'])(
  'a variable of the unknown type %s is taken as it is',
  (type) => {
    const datafile = datafileWith(type, 'anything');
    expect(InvalidVariables.of(datafile)).toBeNull();
    expect(datafile).toEqual(datafileWith(type, 'anything'));
  },
);
