// JSON that nests too deep is refused before it is parsed, as parsing it could overflow the stack.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBeat } from '../../../core/bus/beat.ts';
import { decodeNotice } from '../../../core/bus/notice.ts';
import { DATAFILE_DEPTH_MAX, parseDatafile } from '../../../core/datafile/datafile.ts';
import {
  firstValueEnd,
  MESSAGE_DEPTH_MAX,
  nestsDeeperThan,
  nestsDeeperThanWithTexts,
  parseJsonWithin,
} from '../../../core/datafile/json-depth.ts';
import { isFanoutError } from '../../../core/errors.ts';
import { toSdkKey } from '../../../core/ids.ts';
import { parseProjects } from '../../../core/projects.ts';
import { decodeManifest } from '../../../core/record/manifest-codec.ts';
import { claimedProjectId, parseWebhook } from '../../../core/webhook.ts';

const sdkKey = toSdkKey('KEY1');
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const lists = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const depthOf = (value: unknown): number =>
  value !== null && typeof value === 'object' ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0;

describe('counting depth', () => {
  it('agrees with the parsed value for any JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const depth = depthOf(value);
        expect(nestsDeeperThan(bytes(JSON.stringify(value)), depth)).toBe(false);
        if (depth > 0) expect(nestsDeeperThan(bytes(JSON.stringify(value)), depth - 1)).toBe(true);
      }),
    );
  });

  it('counting depth is not misled by brackets and quotes in texts', () => {
    const text = JSON.stringify({ a: '}}}}"[[[[[', b: '\\"', c: '[[[[' });
    expect(nestsDeeperThan(bytes(text), 1)).toBe(false);
  });
});

describe('the first value of a text', () => {
  it('the first value ends where its object or list is closed, for any JSON and any text after it', () => {
    const container = fc.oneof(fc.array(fc.jsonValue()), fc.dictionary(fc.string(), fc.jsonValue()));
    fc.assert(
      fc.property(container, fc.string(), (value, rest) => {
        const text = ` ${JSON.stringify(value)}`;
        expect(firstValueEnd(bytes(text + rest))).toBe(bytes(text).length);
      }),
    );
  });

  it.each(['', '5 x', '"a" x', '{"a":[1', '{"a"', '{"a\\"}', '}{}'])(
    'has no end before that of %j',
    (text) => {
      expect(firstValueEnd(bytes(text))).toBe(bytes(text).length);
    },
  );
});

describe('JSON inside texts', () => {
  const wrap = (inner: string): Uint8Array => bytes(JSON.stringify({ conditions: inner }));
  const LIMIT = 8;

  it('JSON inside texts counts, as the SDK parses it later', () => {
    expect(nestsDeeperThanWithTexts(wrap(lists(LIMIT)), LIMIT)).toBe(false);
    expect(nestsDeeperThanWithTexts(wrap(`[1,${lists(LIMIT)}]`), LIMIT)).toBe(true);
  });

  it('counts also behind spaces and escapes', () => {
    expect(nestsDeeperThanWithTexts(wrap(`\n\t  ${lists(LIMIT + 1)}`), LIMIT)).toBe(true);
    const escaped = '\\u005b'.repeat(LIMIT + 1) + ']'.repeat(LIMIT + 1);
    expect(nestsDeeperThanWithTexts(bytes(`{"a":"${escaped}"}`), LIMIT)).toBe(true);
  });

  it('leaves texts alone that only hold brackets', () => {
    const harmless = [
      'a'.repeat(50) + '['.repeat(50),
      `["${'['.repeat(50)}"]`,
      `{"a":"\\"${'{'.repeat(50)}"}`,
    ];
    for (const text of harmless) expect(nestsDeeperThanWithTexts(wrap(text), LIMIT), text).toBe(false);
  });
});

describe('JSON from outside', () => {
  it('JSON from outside is read up to the limit and not beyond', () => {
    expect(depthOf(parseJsonWithin(lists(MESSAGE_DEPTH_MAX)))).toBe(MESSAGE_DEPTH_MAX);
    expect(() => parseJsonWithin(lists(MESSAGE_DEPTH_MAX + 1))).toThrow('nests deeper than 32 levels');
    expect(() => parseJsonWithin(bytes(lists(MESSAGE_DEPTH_MAX + 1)))).toThrow('nests deeper');
  });

  it('JSON from outside is UTF-8 or nothing', () => {
    expect(() => parseJsonWithin(Uint8Array.of(0x22, 0xff, 0x22))).toThrow();
  });
});

const READERS: readonly [string, (json: string) => unknown][] = [
  ['a datafile', (json) => parseDatafile(bytes(json), { sdkKey })],
  ['a webhook', (json) => parseWebhook(bytes(json))],
  ['whose webhook it is', (json) => claimedProjectId(bytes(json))],
  ['a manifest', (json) => decodeManifest(bytes(json), sdkKey)],
  ['a notice', (json) => decodeNotice(json)],
  ['a heartbeat', (json) => decodeBeat(bytes(json))],
  ['the project table', (json) => parseProjects(json)],
];

/** Mostly brackets, so that it nests deep, in valid JSON and in broken. */
const nested = fc
  .tuple(fc.integer({ min: 0, max: 50_000 }), fc.constantFrom('[', '{"a":', '[1,', '{"data":['), fc.boolean())
  .map(([depth, opener, isClosed]) => {
    const closer = [...opener].filter((char) => char === '[' || char === '{').reverse();
    const closers = closer.map((char) => (char === '[' ? ']' : '}')).join('');
    return `${opener.repeat(depth)}1${isClosed ? closers.repeat(depth) : ''}`;
  });
const shaped = nested.map(
  (value) => `{"version":"4","revision":"1","projectId":"1","project_id":1,"x":${value}}`,
);

describe('input that nests at random', () => {
  it.each(READERS)('input that nests at random never overflows the stack of who reads %s', (_, read) => {
    fc.assert(
      fc.property(fc.oneof(nested, shaped), (json) => {
        try {
          const value = read(json);
          // What was let through can be written down again, which is recursive.
          JSON.stringify(value, (_key, field) => (field instanceof Uint8Array ? null : field));
        } catch (error) {
          expect(error).not.toBeInstanceOf(RangeError);
          expect(isFanoutError(error)).toBe(true);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('input that nests at random is refused in a datafile also where only the SDK would meet it', () => {
    const good = { version: '4', revision: '1', projectId: '1' };
    const conditions = lists(DATAFILE_DEPTH_MAX + 1);
    const audience = JSON.stringify({ ...good, audiences: [{ id: 'a', name: 'a', conditions }] });
    expect(() => parseDatafile(bytes(audience), { sdkKey })).toThrow('nests deeper than 64 levels');
  });
});
