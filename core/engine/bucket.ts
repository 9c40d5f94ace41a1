// Where a user falls: a number of ten thousand from a text, the same in every Optimizely SDK. Pure.

/** Traffic is allocated in so many parts. */
export const BUCKETS = 10_000;

const SEED = 1;
const HASHES = 2 ** 32;
const C1 = 0xcc9e2d51;
const C2 = 0x1b873593;
/** Beyond it characters take more than one byte. */
const ASCII_MAX = 0x7f;

/** @returns 0 … BUCKETS - 1 */
export const bucketOf = (text: string): number => Math.floor((murmur3(text) / HASHES) * BUCKETS);

/** MurmurHash3, 32 bits, of the text in UTF-8. @returns an unsigned integer */
export function murmur3(text: string): number {
  // Ids are nearly always ASCII, where characters are the bytes: no copy has to be made.
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > ASCII_MAX) return ofBytes(Buffer.from(text));
  return ofAscii(text);
}

function ofAscii(text: string): number {
  const { length } = text;
  let hash = SEED;
  let i = 0;
  for (; i + 4 <= length; i += 4) {
    const word =
      text.charCodeAt(i) |
      (text.charCodeAt(i + 1) << 8) |
      (text.charCodeAt(i + 2) << 16) |
      (text.charCodeAt(i + 3) << 24);
    hash = mixed(hash, word);
  }
  let rest = 0;
  for (let shift = 0; i < length; i++, shift += 8) rest |= text.charCodeAt(i) << shift;
  return finished(hash, rest, length);
}

function ofBytes(bytes: Buffer): number {
  const { length } = bytes;
  let hash = SEED;
  let i = 0;
  for (; i + 4 <= length; i += 4) hash = mixed(hash, bytes.readInt32LE(i));
  let rest = 0;
  for (let shift = 0; i < length; i++, shift += 8) rest |= (bytes[i] as number) << shift;
  return finished(hash, rest, length);
}

const rotated = (word: number, bits: number): number => (word << bits) | (word >>> (32 - bits));
const scrambled = (word: number): number => Math.imul(rotated(Math.imul(word, C1), 15), C2);
const mixed = (hash: number, word: number): number =>
  (Math.imul(rotated(hash ^ scrambled(word), 13), 5) + 0xe6546b64) | 0;

function finished(hash: number, rest: number, length: number): number {
  // Without a rest this changes nothing: zero scrambles to zero.
  let end = hash ^ scrambled(rest) ^ length;
  end = Math.imul(end ^ (end >>> 16), 0x85ebca6b);
  end = Math.imul(end ^ (end >>> 13), 0xc2b2ae35);
  return (end ^ (end >>> 16)) >>> 0;
}
