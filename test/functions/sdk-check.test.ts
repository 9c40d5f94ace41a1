// The SDK's own word on what it can load; and nothing is left running afterwards.

import { describe, expect, it } from 'vitest';
import { sdkCheck } from '../../functions/sdk-check.ts';
import { datafileBytes, generateDatafile } from '../../infra/local/datafile.ts';
import { datafileOf, KEY } from '../support/datafiles.ts';

const codeOf = (body: Uint8Array): string => {
  try {
    sdkCheck(KEY, body);
    return 'loads';
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('the SDK', () => {
  it.each([
    ['a small datafile', datafileOf(1)],
    ['a datafile of a hundred flags', datafileBytes(generateDatafile())],
  ])('loads %s', (_, body) => expect(codeOf(body)).toBe('loads'));

  it.each([
    ['{"bad":1}', Buffer.from('{"bad":1}')],
    ['HTML', Buffer.from('<html>')],
    ['nothing', Buffer.alloc(0)],
    [
      'another format version',
      Buffer.from(datafileOf(1).toString().replace('"version":"4"', '"version":"9"')),
    ],
    ['flags that are no list', datafileOf(1, { more: { featureFlags: 'x' } })],
    ['a flag that is nothing', datafileOf(1, { more: { featureFlags: [null] } })],
    ['experiments that are a number', datafileOf(1, { more: { experiments: 7 } })],
    ['no lists at all', Buffer.from('{"version":"4","revision":"1","projectId":"1"}')],
  ])('refuses %s', (_, body) => expect(codeOf(body)).toBe('DATAFILE_UNLOADABLE'));

  it('says why, in a few words', () => {
    const body = datafileOf(1, { more: { featureFlags: 'x'.repeat(100_000) } });
    expect(() => sdkCheck(KEY, body)).toThrow(/forEach is not a function/);
    try {
      sdkCheck(KEY, body);
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
