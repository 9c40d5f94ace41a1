import { expect, it } from 'vitest';
import { etagOf } from '../../core/etag.ts';

it.each(['"abc"', 'W/"abc"', '""', '"a-b:c/9"'])('takes %s for a tag', (tag) => {
  expect(etagOf(tag)).toBe(tag);
});

it.each([null, '', '*', 'abc', '"a", "b"', '"a"b"', '"a\r\nx: y"', `"${'x'.repeat(2_000)}"`])(
  'never sends %j back',
  (tag) => {
    expect(etagOf(tag)).toBeNull();
  },
);
