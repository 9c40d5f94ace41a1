// Reads what comes in pieces, within a limit that holds while reading: a length header may be missing or wrong, and what
// was compressed may be a thousand times as long. Leaving early ends the stream that it came from. Knows no protocol.

/** More than enough for what S3 says beside an object, and for errors that we only quote the beginning of. */
export const ANSWER_BYTES_MAX = 64 * 1024;

/**
 * The whole of it.
 * @param tooLarge makes the error that is thrown as soon as more than `bytesMax` have come
 */
export async function readWithin(
  chunks: AsyncIterable<Uint8Array> | null | undefined,
  bytesMax: number,
  tooLarge: () => Error,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of limited(chunks, bytesMax, tooLarge)) {
    bytes += chunk.byteLength;
    parts.push(chunk);
  }
  if (parts.length === 1) return parts[0] as Uint8Array;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.byteLength;
  }
  return whole;
}

/** The same pieces, for callers that read by themselves. */
export async function* limited(
  chunks: AsyncIterable<Uint8Array> | null | undefined,
  bytesMax: number,
  tooLarge: () => Error,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of chunks ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw tooLarge();
    yield chunk;
  }
}
