import { describe, expect, it } from 'vitest';
import { describeConditions } from '../../../../infra/cli/datafile-diff/conditions.ts';
import { diffDatafiles, nameOf, sentenceOf } from '../../../../infra/cli/datafile-diff/diff.ts';
import { viewDatafile } from '../../../../infra/cli/datafile-diff/model.ts';
import { generateDatafile } from '../../../../infra/local/optimizely/datafile.ts';
import { flipFlag } from '../../../../infra/local/optimizely/flip-flag.ts';
import { type Shop, shopDatafile } from '../support/shop.ts';

const changesOf = (before: Shop, after: Shop): string[] =>
  diffDatafiles(viewDatafile(shopDatafile(before)), viewDatafile(shopDatafile(after))).map(
    ({ subject, text }) => `${subject}: ${text}`,
  );

describe('what changed, in the words of the app', () => {
  it.each<[string, Shop, Shop, string[]]>([
    ['traffic', {}, { euPercent: 100 }, ['flag "checkout": rule "eu" traffic 50% → 100%']],
    [
      'a hundredth of a percent',
      {},
      { euPercent: 50.01 },
      ['flag "checkout": rule "eu" traffic 50% → 50.01%'],
    ],
    ['a value', {}, { colour: 'blue' }, ['flag "checkout": variation "on": colour "red" → "blue"']],
    ['on and off', {}, { isOn: false }, ['flag "checkout": variation "on" turned off']],
    [
      'who gets it, by name',
      {},
      { euAudiences: ['a2'] },
      ['flag "checkout": rule "eu" audience "Adults in the EU" → "Staff"'],
    ],
    [
      'everyone gets it',
      {},
      { euAudiences: [] },
      ['flag "checkout": rule "eu" audience "Adults in the EU" → everyone'],
    ],
    [
      'what an audience asks',
      {},
      { adultAge: 21 },
      [
        'audience "Adults in the EU": country is "DE" and (age ≥ 18 or plan contains "pro") → country is "DE" and (age ≥ 21 or plan contains "pro")',
      ],
    ],
    [
      'the order of rules',
      {},
      { isSwapped: true },
      [
        'flag "checkout": rules are tried in another order: price_test, eu, staff, everyone else → price_test, staff, eu, everyone else',
      ],
    ],
    ['a new flag', {}, { more: ['gift'] }, ['flag "gift": new, with 0 rules']],
    ['a removed flag', { more: ['gift'] }, {}, ['flag "gift": removed']],
    ['a setting of the project', {}, { botFiltering: true }, ['project: botFiltering false → true']],
    ['only ids', {}, { layerId: '2' }, []],
    ['only the revision', {}, { revision: 2 }, []],
  ])('%s', (_, before, after, expected) => {
    expect(changesOf(before, after)).toEqual(expected);
  });

  it('rules that stop', () => {
    expect(changesOf({}, { status: 'Paused' })).toEqual([
      'flag "checkout": experiment "price_test" stopped',
      'flag "checkout": rule "eu" stopped',
      'flag "checkout": rule "staff" stopped',
      'flag "checkout": everyone else stopped',
    ]);
  });

  it('a change of one rule of several says in which', () => {
    const before = viewDatafile(shopDatafile());
    const datafile = JSON.parse(JSON.stringify(shopDatafile())) as {
      rollouts: { experiments: { variations: object[] }[] }[];
    };
    Object.assign(datafile.rollouts[0]?.experiments[0]?.variations[0] ?? {}, { featureEnabled: false });
    expect(diffDatafiles(before, viewDatafile(datafile))).toEqual([
      { subject: 'flag "checkout"', text: 'variation "on" turned off (in rule "eu")' },
    ]);
  });

  it('a flip of the local stack', () => {
    const before = generateDatafile({ flags: 3 });
    const changes = diffDatafiles(viewDatafile(before), viewDatafile(flipFlag(before, 'flag_2')));
    expect(new Set(changes.map(({ subject }) => subject))).toEqual(new Set(['flag "flag_2"']));
    expect(changes.map(({ text }) => text)).toContain('everyone else variations "off" 100% → "on" 100%');
  });
});

describe('a rule in one line', () => {
  it('says who, how many and what', () => {
    const flag = viewDatafile(shopDatafile()).flags.get('checkout');
    expect(flag?.rules.map((rule) => `${nameOf(rule)}: ${sentenceOf(rule)}`)).toEqual([
      'experiment "price_test": everyone: 100% of them "on" 50%, "off" 50%',
      'rule "eu": "Adults in the EU": 50% get "on"',
      'rule "staff": "Staff": 100% get "on"',
      'everyone else: everyone: 100% get "off"',
    ]);
  });
});

describe('audience conditions', () => {
  const leaf = (name: string) => ({ type: 'custom_attribute', match: 'exact', name, value: 1 });
  it.each<[string, unknown, string]>([
    ['not', ['not', ['or', leaf('a'), leaf('b')]], 'not (a is 1 or b is 1)'],
    ['nested alike', ['or', ['or', leaf('a')], ['or', leaf('b'), leaf('c')]], 'a is 1 or b is 1 or c is 1'],
    ['JSON text', JSON.stringify(['and', leaf('a'), leaf('b')]), 'a is 1 and b is 1'],
    ['no operator', [leaf('a'), leaf('b')], 'a is 1 or b is 1'],
    [
      'a segment',
      ['or', { type: 'third_party_dimension', match: 'qualified', value: 's' }],
      'in ODP segment "s"',
    ],
    ['an unknown match', ['or', { ...leaf('a'), match: 'like' }], 'a like 1'],
    ['names', ['or', '1', '2'], '"Known" or "2"'],
    ['nothing', [], 'everyone'],
    ['broken', '[oh', '"[oh"'],
  ])('%s', (_, conditions, expected) => {
    expect(describeConditions(conditions, new Map([['1', 'Known']]))).toBe(expected);
  });
});

it('reads any JSON without failing', () => {
  for (const strange of [
    null,
    1,
    [],
    { featureFlags: 1 },
    { featureFlags: [null, { key: 2 }], rollouts: [{}] },
  ])
    expect(() => viewDatafile(strange)).not.toThrow();
});
