import { describe, expect, it } from 'vitest';
import { ProjectTraits } from '../../../agent/decisions/project-traits.ts';
import { makeLoadable } from '../../../core/datafile/loadable.ts';
import { datafileBody } from '../support/fakes.ts';
import { outsideDatafile } from '../support/outside-datafile.ts';

const qualified = (value: unknown) => ({ match: 'qualified', type: 'third_party_dimension', value });
const odp = (more: object) => ({
  integrations: [{ key: 'odp', host: 'https://h', publicKey: 'k' }],
  ...more,
});

describe("a project's traits", () => {
  it("a project's traits are none of a plain project, nor of one without anything", () => {
    const none = { odp: null, predicted: null, everyoneElse: new Map(), holdouts: new Set() };
    for (const datafile of [JSON.parse(datafileBody(1).toString()), {}]) {
      const { odp, predicted, everyoneElse, holdouts } = new ProjectTraits(datafile);
      expect({ odp, predicted, everyoneElse, holdouts }).toEqual(none);
    }
  });

  it('name the Data Platform and the rules that need a prediction, by flag', () => {
    const { odp: found, predicted } = new ProjectTraits(
      JSON.parse(outsideDatafile(1, 'https://odp/').toString()),
    );
    expect(found).toEqual({ host: 'https://odp', apiKey: 'odp-key', segments: ['vip'] });
    expect(predicted?.byFlag).toEqual(new Map([['predicted_flag', new Map([['predicted_rule', '71']])]]));
    expect(predicted?.byKey).toEqual(new Map([['predicted_rule', '71']]));
  });

  it('find segments however deep, in conditions as text and as lists, each once', () => {
    const { odp: found } = new ProjectTraits(
      odp({
        audiences: [{ conditions: JSON.stringify(['and', ['or', qualified('b')]]) }, { conditions: 'oops' }],
        typedAudiences: [
          { conditions: ['not', ['or', qualified('a'), qualified('b'), qualified(7), null]] },
          { conditions: { match: 'exact', value: 'c' } },
          {},
        ],
      }),
    );
    expect(found?.segments).toEqual(['a', 'b']);
  });

  it('find segments also in conditions that cannot be read', () => {
    const datafile = { revision: '1', audiences: [{ id: 'a', conditions: [qualified('b')] }] };
    makeLoadable(datafile);
    expect(new ProjectTraits(Object.assign(datafile, odp({}))).odp?.segments).toEqual(['b']);
  });

  it('find predicted rules within groups, and those of no flag', () => {
    const { predicted } = new ProjectTraits({
      experiments: [{ id: '3', key: 'alone', cmab: {} }],
      groups: [{ experiments: [{ id: '1', key: 'rule', cmab: {} }] }],
      featureFlags: [
        { key: 'flag', experimentIds: ['1', '2'] },
        { key: 'other', experimentIds: ['2'] },
      ],
    });
    expect(predicted?.byFlag).toEqual(new Map([['flag', new Map([['rule', '1']])]]));
    expect(predicted?.byKey).toEqual(
      new Map([
        ['alone', '3'],
        ['rule', '1'],
      ]),
    );
  });

  it.each([{ host: '' }, { publicKey: '' }, { host: null }, { key: 'another' }])(
    'have no Data Platform where it lacks what is needed to ask it: %j',
    (part) => {
      const integration = { key: 'odp', host: 'https://h', publicKey: 'k', ...part };
      expect(new ProjectTraits({ integrations: [integration] }).odp).toBeNull();
    },
  );
});
