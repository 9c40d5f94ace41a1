import { Readable } from 'node:stream';
import { expect, it } from 'vitest';
import { readWithin } from '../../../core/http/read-within.ts';

const tooLarge = () => new Error('too large');
const pieces = (...sizes: number[]) => Readable.from(sizes.map((size) => Buffer.alloc(size, 7)));

it('reads everything up to the limit', async () => {
  expect(await readWithin(pieces(3, 4, 3), 10, tooLarge)).toEqual(new Uint8Array(10).fill(7));
  expect(await readWithin(pieces(10), 10, tooLarge)).toHaveLength(10);
  expect(await readWithin(null, 10, tooLarge)).toHaveLength(0);
});

it('stops at the first byte beyond the limit, and ends the stream', async () => {
  let made = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        made++;
        yield Buffer.alloc(4);
      }
    })(),
    { highWaterMark: 1 },
  );
  await expect(readWithin(endless, 10, tooLarge)).rejects.toThrow('too large');
  expect(endless.destroyed).toBe(true);
  expect(made).toBeLessThan(10);
});
