// Random ids as UUIDs of version 4. Randomness is handed in.

import type { Random } from './clock.ts';

const WORDS = 2 ** 32;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** 122 random bits, as far as `random` has them; the others say which version it is. */
export function uuid(random: Random): string {
  const a = word(random);
  const b = word(random);
  const c = word(random);
  const d = word(random);
  const version = 0x4000 | (b & 0x0fff);
  const variant = 0x8000 | (c >>> 18);
  return `${four(a >>> 16)}${four(a & 0xffff)}-${four(b >>> 16)}-${four(version)}-${four(variant)}-${four(c & 0xffff)}${four(d >>> 16)}${four(d & 0xffff)}`;
}

const word = (random: Random): number => Math.floor(random() * WORDS) >>> 0;
const four = (half: number): string => `${HEX[half >>> 8]}${HEX[half & 0xff]}`;
