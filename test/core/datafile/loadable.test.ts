// One odd part of a datafile is left out and told of, the rest serves; and both gates, with the real SDK, take the same.

import { describe, expect, it } from 'vitest';
import { LEFT_OUT_MAX, sentenceOf } from '../../../core/datafile/left-out.ts';
import { sha256Of } from '../../../core/ids.ts';
import { sdkCheck } from '../../../functions/publish/sdk-check.ts';
import { KEY } from '../../support/datafiles.ts';
import { fullDatafile, knockedOut, type Loose } from '../../support/full-datafile.ts';
import { atTheAgent, atTheDoor, WHOLE } from '../../support/functions/gates.ts';
import { bytesOf } from '../../support/project-builder.ts';

/** Fields that identify a datafile, and lists that it must have. */
const IDENTITY = ['version', 'revision', 'projectId', 'sdkKey'];
const REQUIRED = ['experiments', 'featureFlags', 'rollouts'];

/** Whose parts are about one flag. */
const OWN: Readonly<Record<keyof typeof WHOLE, readonly string[]>> = {
  tested: ['experiments', 'featureFlags.0', 'localHoldouts'],
  grouped: ['groups', 'featureFlags.1'],
  delivered: ['rollouts.0', 'featureFlags.2'],
  targeted: ['rollouts.1', 'featureFlags.3', 'audiences'],
};

it('both gates take a datafile with any value in one part, and flags without that part are decided as before', async () => {
  let count = 0;
  for (const { path, standIn, datafile } of knockedOut()) {
    const body = bytesOf(datafile);
    const at = `${path.join('.')}.`;
    const what = `${at} = ${JSON.stringify(standIn)}`;
    const { code, decided } = await atTheAgent(body);
    expect({ what, door: atTheDoor(body) }).toEqual({ what, door: code });
    count++;
    // Refused only for what it is as a whole.
    if (path.length === 1 && [...IDENTITY, ...REQUIRED].includes(String(path[0]))) continue;
    expect({ what, code }).toEqual({ what, code: 'taken' });
    // A list that loses an entry moves the others; a holdout, and the audience that the holdouts have, is about every flag.
    if (path.length < 3 || path[0] === 'holdouts' || path[0] === 'typedAudiences') continue;
    const others = Object.entries(WHOLE).filter(
      ([key]) => !OWN[key as keyof typeof WHOLE].some((prefix) => at.startsWith(`${prefix}.`)),
    );
    expect({ what, ...decided[0] }).toMatchObject({ what, ...Object.fromEntries(others) });
  }
  expect(count).toBeGreaterThan(1_500);
});

it('serves all of one that is whole, and leaves nothing out', async () => {
  const { decided, leftOut } = await atTheAgent(bytesOf(fullDatafile()), [
    {},
    { country: 'SE' },
    { country: 'JP' },
  ]);
  expect(decided[0]).toEqual(WHOLE);
  expect(decided[1]).toEqual({ ...WHOLE, targeted: 'ja on from ja' });
  expect(Object.values(decided[2] ?? {})).toEqual(Array(4).fill('out off default'));
  expect(leftOut).toEqual([]);
});

const OFF = 'null off default';

// What Optimizely's Agent 4.4 decides by such a datafile, where it serves it.
const PARTS: readonly [
  what: string,
  change: (it: Loose) => void,
  decided: Partial<typeof WHOLE>,
  leftOut: readonly string[],
][] = [
  [
    'an experiment that is gone',
    (it) => it.featureFlags[0].experimentIds.unshift('gone'),
    {},
    ['experiment "gone" is not in the datafile (flag "tested")'],
  ],
  ['no experiment ids', (it) => delete it.featureFlags[0].experimentIds, { tested: OFF }, []],
  [
    'a rollout that is gone',
    (it) => Object.assign(it.featureFlags[2], { rolloutId: 'constructor' }),
    { delivered: OFF },
    ['rollout "constructor" is not in the datafile (flag "delivered")'],
  ],
  ['no rollout', (it) => Object.assign(it.featureFlags[2], { rolloutId: null }), { delivered: OFF }, []],
  [
    'no variables of a flag',
    (it) => Object.assign(it.featureFlags[0], { variables: null }),
    { tested: 'blue on undefined' },
    [],
  ],
  [
    'no variables of a variation',
    (it) => delete it.experiments[0].variations[0].variables,
    { tested: 'blue on default' },
    [],
  ],
  [
    'no allocation',
    (it) => delete it.rollouts[0].experiments[0].trafficAllocation,
    { delivered: OFF },
    ['rule "default-r1" has no list "trafficAllocation" (flag "delivered")'],
  ],
  [
    'an allocation of nothing',
    (it) => Object.assign(it.experiments[0], { trafficAllocation: [null] }),
    { tested: OFF },
    ['experiment "test" has an entry in "trafficAllocation" that is no object (flag "tested")'],
  ],
  [
    'a group without an allocation',
    (it) => delete it.groups[0].trafficAllocation,
    { grouped: OFF },
    ['group "201" has no list "trafficAllocation"'],
  ],
  [
    'a group that an experiment names by itself',
    (it) => Object.assign(it.experiments[0], { groupId: 'gone' }),
    {},
    [],
  ],
  ['no forced variations', (it) => delete it.experiments[0].forcedVariations, {}, []],
  ['no audience ids', (it) => Object.assign(it.experiments[0], { audienceIds: null }), {}, []],
  ['no status', (it) => delete it.experiments[0].status, {}, []],
  ['an empty status', (it) => Object.assign(it.experiments[0], { status: '' }), {}, []],
  ['no audiences', (it) => delete it.audiences, {}, []],
  [
    'no operator between audiences',
    (it) => Object.assign(it.rollouts[0].experiments[0], { audienceConditions: [['not', ['or', 'japan']]] }),
    // Of whom nothing is known it cannot be told.
    { delivered: OFF },
    [],
  ],
  [
    'no default values',
    (it) => {
      const variable = (id: string, type: string) => ({ id, key: 'text', type });
      it.featureFlags[0].variables = [variable('92', 'integer')];
      it.featureFlags[1].variables = [variable('93', 'boolean')];
      it.featureFlags[2].variables = [variable('94', 'string')];
      it.featureFlags[3].variables = [variable('95', 'double')];
    },
    { tested: 'blue on 0', grouped: 'red on false', delivered: 'on on ', targeted: 'off off 0' },
    [],
  ],
  ['audiences that are null', (it) => Object.assign(it, { audiences: null, typedAudiences: null }), {}, []],
  [
    'conditions without a text',
    (it) => Object.assign(it.audiences[0], { conditions: '' }),
    {},
    ['audience "sweden" has conditions that cannot be read (flag "targeted")'],
  ],
  [
    'an entry of nothing',
    (it) => it.experiments.push(null),
    {},
    ['list "experiments" has an entry in "experiments" that is no object'],
  ],
  [
    'a local holdout for no rules',
    (it) => Object.assign(it.localHoldouts[0], { includedRules: [null, 'constructor'] }),
    {},
    ['holdout "kept_out_here" names no rules'],
  ],
  [
    'a holdout with nothing but its name',
    (it) => it.holdouts.push({ id: 'h3', key: 'half', status: 'Running' }),
    {},
    ['holdout "half" has no list "trafficAllocation"', 'holdout "half" has no list "variations"'],
  ],
  [
    'an integration without a key',
    (it) => it.integrations.push({ host: 'https://other.example' }),
    {},
    ['an integration has no key'],
  ],
  [
    'no lists that most projects leave empty',
    (it) =>
      ['groups', 'attributes', 'events', 'holdouts', 'localHoldouts', 'integrations'].map(
        (name) => delete it[name],
      ),
    { grouped: OFF },
    ['experiment "102" is not in the datafile (flag "grouped")'],
  ],
];

describe('of a datafile with', () => {
  it.each(PARTS)('%s the rest serves', async (_, change, decided, leftOut) => {
    const datafile = fullDatafile();
    change(datafile);
    const seen = await atTheAgent(bytesOf(datafile));
    expect(seen).toEqual({ code: 'taken', decided: [{ ...WHOLE, ...decided }], leftOut });
    expect(sdkCheck(bytesOf(datafile), { sdkKey: KEY }).leftOut?.map(sentenceOf)).toEqual(leftOut);
  });
});

it('a byte order mark is no part of a datafile, at either gate', async () => {
  const body = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytesOf(fullDatafile())]);
  const { decided } = await atTheAgent(body);
  expect(decided[0]).toEqual(WHOLE);
  const taken = sdkCheck(body, { sdkKey: KEY });
  expect(taken.body).toBe(body);
  expect(taken.sha256).toBe(sha256Of(body));
});

it('names in a datafile of nothing but mistakes fill no log', () => {
  const flags = Array.from({ length: 300 }, (_, i) => ({
    key: `f${i}`,
    experimentIds: ['\u001b'.repeat(500)],
  }));
  const { leftOut = [] } = sdkCheck(bytesOf({ ...fullDatafile(), featureFlags: flags }), { sdkKey: KEY });
  expect(leftOut).toHaveLength(LEFT_OUT_MAX);
  for (const part of leftOut) expect(sentenceOf(part)).toMatch(/^[ -~]{1,800}$/);
});
