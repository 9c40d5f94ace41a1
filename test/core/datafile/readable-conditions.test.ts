// Conditions as they come, read by the real SDK at the agent.

import { describe, expect, it } from 'vitest';
import { projectConfig } from '../../../agent/http/project/project-config.ts';
import { type Fields, Notes } from '../../../core/datafile/left-out-notes.ts';
import { makeConditionsReadable } from '../../../core/datafile/readable-conditions.ts';
import { fullDatafile, type Loose } from '../../support/full-datafile.ts';
import { atTheAgent } from '../../support/functions/gates.ts';
import { bytesOf } from '../../support/project-builder.ts';

describe('an audience', () => {
  const decided = async (change: (it: Loose) => void, attributes: object) => {
    const datafile = fullDatafile();
    change(datafile);
    return (await atTheAgent(bytesOf(datafile), [attributes])).decided[0]?.targeted;
  };
  const conditions = (value: unknown) => (it: Loose) => Object.assign(it.audiences[0], { conditions: value });
  const sweden = { type: 'custom_attribute', match: 'exact', name: 'country', value: 'SE' };

  it.each<[string, (it: Loose) => void]>([
    ['a list', conditions(['or', sweden])],
    ['one condition', conditions(sweden)],
    [
      'a text, among those that are typed',
      (it) => Object.assign(it, { typedAudiences: it.audiences, audiences: [] }),
    ],
    ['without a way of comparing', conditions(['or', { ...sweden, match: null }])],
    ['with an operator that no SDK knows', conditions(['either', sweden])],
    ['twice, of which the first counts', (it) => it.audiences.push({ id: 'sweden', conditions: '["or"]' })],
  ])('an audience is read as %s', async (_, change) => {
    expect(await decided(change, { country: 'SE' })).toBe('ja on from ja');
    expect(await decided(change, { country: 'DE' })).toBe('off off default');
  });

  it.each<[string, unknown]>([
    ['no JSON', '{'],
    ['nothing', null],
    ['an empty list', []],
    ['a list without an operator', [sweden]],
    ['a list of nothing', ['or', null]],
    ['a number', 5],
    ['a segment without a name', { type: 'third_party_dimension', match: 'qualified' }],
    ['a segment named by a number', ['or', { type: 'third_party_dimension', match: 'qualified', value: 5 }]],
  ])('an audience that is %s is for no user, and neither is its opposite', async (_, value) => {
    expect(await decided(conditions(value), { country: 'SE' })).toBe('off off default');
    const opposite = (it: Loose) => {
      conditions(value)(it);
      it.rollouts[1].experiments[0].audienceConditions = ['not', ['or', 'sweden']];
    };
    expect(await decided(opposite, { country: 'SE' })).toBe('off off default');
  });

  it('an audience that cannot be read is shown as it came', () => {
    const audience: Fields = { id: 'a', name: 'a', conditions: [sweden] };
    makeConditionsReadable(audience, 'parsed', new Notes({}));
    const [shown] = projectConfig({ revision: '1', typedAudiences: [audience as never] }).audiences;
    expect(JSON.parse(String(shown?.conditions))).toEqual([sweden]);
  });

  it.each([[['sweden']], [[['or', 'sweden']]], ['sweden'], [['or', [['or', 'sweden']]]]])(
    'is meant by a rule that asks for %j',
    async (audienceConditions) => {
      const change = (it: Loose) => Object.assign(it.rollouts[1].experiments[0], { audienceConditions });
      expect(await decided(change, { country: 'SE' })).toBe('ja on from ja');
      expect(await decided(change, { country: 'DE' })).toBe('off off default');
    },
  );

  it('an audience that a rule does not name in a way that can be read is no reason to give the rule to every user', async () => {
    const change = (it: Loose) => Object.assign(it.rollouts[1].experiments[0], { audienceConditions: {} });
    expect(await decided(change, { country: 'SE' })).toBe('off off default');
  });
});
