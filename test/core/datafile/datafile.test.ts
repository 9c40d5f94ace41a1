import { describe, expect, it } from 'vitest';
import { DATAFILE_BYTES_MAX, DATAFILE_DEPTH_MAX, parseDatafile } from '../../../core/datafile/datafile.ts';
import { sha256Of, toSdkKey } from '../../../core/ids.ts';

const sdkKey = toSdkKey('KEY1');
const bytes = (value: unknown) =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));
const good = { version: '4', revision: '41', projectId: '169', sdkKey: 'KEY1', environmentKey: 'production' };
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

type Refused = [what: string, value: unknown, code: string, message: string];

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

  it.each([undefined, null, ''])(
    'reading a datafile of a project that is %s takes what is configured',
    (projectId) => {
      const read = parseDatafile(bytes({ ...good, projectId }), { sdkKey, projectId: '169' });
      expect(read.projectId).toBe('169');
    },
  );

  it.each([12, '12', '0012'])('takes revision %j', (revision) => {
    expect(parseDatafile(bytes({ ...good, revision }), { sdkKey }).revision).toBe(12);
  });

  it.each(['DATAFILE_UNSUPPORTED', 'DATAFILE_WRONG_KEY'])(
    'reading a datafile that no waiting mends says so: %s',
    (code) => {
      const wrong = code === 'DATAFILE_WRONG_KEY' ? { sdkKey: 'KEY2' } : { version: '3' };
      const read = () => parseDatafile(bytes({ ...good, ...wrong }), { sdkKey });
      expect(read).toThrow(expect.objectContaining({ code, retryable: false }));
      expect(read).toThrow(expect.objectContaining({ fields: expect.objectContaining({ revision: 41 }) }));
    },
  );

  describe('whose environment was another before', () => {
    const read = (fields: object) =>
      parseDatafile(bytes({ ...good, environmentKey: 'staging', ...fields }), {
        sdkKey,
        environment: 'production',
      });

    it.each([{}, { sdkKey: null }, { sdkKey: '' }])('is refused where it names no SDK key: %j', (fields) => {
      const without = { sdkKey: undefined, ...fields };
      expect(() => read(without)).toThrow(expect.objectContaining({ code: 'DATAFILE_WRONG_ENVIRONMENT' }));
    });

    it('is taken where it names its own: environments may be renamed', () => {
      expect(read({}).environment).toBe('staging');
    });
  });

  it.each<Refused>([
    ['not JSON', '<html>', 'DATAFILE_INVALID', 'is not UTF-8 JSON'],
    ['a list', '[]', 'DATAFILE_INVALID', 'is not a JSON object'],
    ['format 3', { ...good, version: '3' }, 'DATAFILE_UNSUPPORTED', 'has format version "3", not "4"'],
    [
      'no format',
      { ...good, version: undefined },
      'DATAFILE_UNSUPPORTED',
      'has format version undefined, not "4"',
    ],
    ...['x', '1.5', '-3', ' 12 ', '9007199254740993', '', null].map((revision): Refused => {
      const what = `has no whole-number revision but ${JSON.stringify(revision)}`;
      return [`of revision ${revision}`, { ...good, revision }, 'DATAFILE_UNSUPPORTED', what];
    }),
    [
      'a project of no name',
      { ...good, projectId: {} },
      'DATAFILE_UNSUPPORTED',
      'has a projectId that is no text',
    ],
    ["another key's", { ...good, sdkKey: 'KEY2' }, 'DATAFILE_WRONG_KEY', 'says that it belongs to KEY2'],
    ['of a key that is a number', { ...good, sdkKey: 7 }, 'DATAFILE_WRONG_KEY', 'says that it belongs to 7'],
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
