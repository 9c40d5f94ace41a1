import { expect, it } from 'vitest';
import { etagOf, lastModifiedOf } from '../../../core/http/etag.ts';

it.each(['"abc"', 'W/"abc"', '""', '"a-b:c/9"'])('takes %s for a tag', (tag) => {
  expect(etagOf(tag)).toBe(tag);
});

it.each([null, '', '*', 'abc', '"a", "b"', '"a"b"', '"a\r\nx: y"', `"${'x'.repeat(2_000)}"`])(
  'never sends %j back',
  (tag) => {
    expect(etagOf(tag)).toBeNull();
  },
);

it('keeps a date of last modification that is not after the answer itself', () => {
  const date = 'Wed, 21 Oct 2026 07:28:00 GMT';
  expect(lastModifiedOf(date, date)).toBe(date);
  expect(lastModifiedOf(date, null)).toBe(date);
  expect(lastModifiedOf('Wed, 21 Oct 2026 09:28:00 GMT', date)).toBe('Wed, 21 Oct 2026 09:28:00 GMT');
  expect(lastModifiedOf('Tue, 01 Jan 2199 00:00:00 GMT', date)).toBeNull();
  expect(lastModifiedOf('yesterday', date)).toBeNull();
  expect(lastModifiedOf(null, date)).toBeNull();
});
