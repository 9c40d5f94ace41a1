import { describe, expect, it } from 'vitest';
import { DATAFILE_BYTES_MAX, DATAFILE_DEPTH_MAX, parseDatafile } from '../../core/datafile.ts';
import { sha256Of, toSdkKey } from '../../core/ids.ts';

const sdkKey = toSdkKey('KEY1');
const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const good = { version: '4', revision: '41', projectId: '169', sdkKey: 'KEY1', environmentKey: 'production' };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('reading a datafile', () => {
  it('tells whose it is, and keeps the exact bytes', () => {
    const body = bytes(good);
    const datafile = parseDatafile(body, { sdkKey, projectId: '169' });
    expect(datafile).toMatchObject({
      sdkKey,
      projectId: '169',
      environment: 'production',
      revision: 41,
      sha256: sha256Of(body),
    });
    expect(datafile.body).toBe(body);
  });

  it('trusts the URL for an old datafile that names no SDK key', () => {
    expect(parseDatafile(bytes({ ...good, sdkKey: undefined }), { sdkKey }).sdkKey).toBe(sdkKey);
  });

  it.each([
    ['not JSON', '<html>', 'DATAFILE_INVALID', 'is not UTF-8 JSON'],
    ['a list', '[]', 'DATAFILE_INVALID', 'is not a JSON object'],
    ['format 3', { ...good, version: '3' }, 'DATAFILE_INVALID', 'has format version "3", not "4"'],
    [
      'no format',
      { ...good, version: undefined },
      'DATAFILE_INVALID',
      'has format version undefined, not "4"',
    ],
    ['no revision', { ...good, revision: 'x' }, 'DATAFILE_INVALID', 'has no whole-number revision'],
    ['no project', { ...good, projectId: 7 }, 'DATAFILE_INVALID', 'has no projectId'],
    ["another key's", { ...good, sdkKey: 'KEY2' }, 'DATAFILE_WRONG_KEY', 'says that it belongs to KEY2'],
    [
      "another project's",
      { ...good, projectId: '9' },
      'DATAFILE_WRONG_PROJECT',
      'belongs to project 9, not 169',
    ],
    [
      'too deep',
      `{"version":"4","x":${nested(DATAFILE_DEPTH_MAX)}}`,
      'DATAFILE_INVALID',
      'nests deeper than 64 levels',
    ],
  ])('refuses one that is %s', (_, value, code, message) => {
    let caught: unknown;
    try {
      parseDatafile(bytes(value), { sdkKey, projectId: '169' });
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code, message: expect.stringContaining(message) });
  });

  it('refuses one over the limit before parsing it', () => {
    expect(() => parseDatafile(new Uint8Array(DATAFILE_BYTES_MAX + 1), { sdkKey })).toThrow(
      'the limit is 10485760',
    );
  });
});
