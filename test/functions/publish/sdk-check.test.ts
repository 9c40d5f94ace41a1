// The SDK's own word on what it can load; and nothing is left running afterwards.

import { describe, expect, it } from 'vitest';
import { DATAFILE_BYTES_MAX } from '../../../core/datafile/datafile.ts';
import { sdkCheck } from '../../../functions/publish/sdk-check.ts';
import { datafileBytes, generateDatafile } from '../../../infra/local/optimizely/datafile.ts';
import { datafileOf, KEY } from '../../support/datafiles.ts';

const codeOf = (body: Uint8Array): string => {
  try {
    sdkCheck(body, { sdkKey: KEY });
    return 'loads';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

/** A name that every object has, so the SDK takes it for known. Optimizely's ids are digits. */
const unloadable = datafileOf(1, {
  more: {
    experiments: [{ id: 'constructor', key: 'x'.repeat(100_000), variations: [] }],
    featureFlags: [{ key: 'f', experimentIds: ['constructor'] }],
  },
});

const withInertHoldout = datafileOf(1, {
  more: { localHoldouts: [{ id: '77', key: 'q', status: 'Running', variations: [], includedRules: [] }] },
});

describe('the SDK', () => {
  it.each([
    ['a small datafile', datafileOf(1)],
    ['a datafile of a hundred flags', datafileBytes(generateDatafile({ sdkKey: KEY }))],
    ['a flag that is nothing', datafileOf(1, { more: { featureFlags: [null] } })],
    ['no lists at all', Buffer.from('{"version":"4","revision":"1","projectId":"1"}')],
    ['what the SDK has a line at ERROR for, while the rest is good', withInertHoldout],
  ])('loads %s', (_, body) => expect(codeOf(body)).toBe('loads'));

  it.each([
    ['flags that are no list', datafileOf(1, { more: { featureFlags: 'x' } })],
    ['experiments that are a number', datafileOf(1, { more: { experiments: 7 } })],
    ['an experiment whose id the SDK cannot look up', unloadable],
  ])('refuses %s', (_, body) => expect(codeOf(body)).toBe('DATAFILE_UNLOADABLE'));

  it.each([
    ['HTML', Buffer.from('<html>'), 'DATAFILE_INVALID'],
    ['nothing', Buffer.alloc(0), 'DATAFILE_INVALID'],
    ['a list', Buffer.from('[]'), 'DATAFILE_INVALID'],
    ['bytes that are not UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'DATAFILE_INVALID'],
    ['an object that is no datafile', Buffer.from('{"bad":1}'), 'DATAFILE_UNSUPPORTED'],
    ['another format version', datafileOf(1, { more: { version: '9' } }), 'DATAFILE_UNSUPPORTED'],
    ["another key's", datafileOf(1, { sdkKey: 'Another1' }), 'DATAFILE_WRONG_KEY'],
    ['one that is too large', new Uint8Array(DATAFILE_BYTES_MAX + 1), 'DATAFILE_TOO_LARGE'],
  ])('the SDK is not even asked to load %s', (_, body, code) => expect(codeOf(body)).toBe(code));

  it('says why, in a few words', () => {
    expect(() => sdkCheck(unloadable, { sdkKey: KEY })).toThrow(/push is not a function/);
    try {
      sdkCheck(unloadable, { sdkKey: KEY });
    } catch (error) {
      expect(String(error).length).toBeLessThan(400);
    }
  });

  it('leaves no timer behind', () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    for (let i = 0; i < 20; i++) {
      codeOf(datafileOf(i));
      codeOf(Buffer.from('{}'));
    }
    expect(timers()).toBe(before);
  });
});
