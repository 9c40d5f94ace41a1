// The body of an S3 PUT as the SDK sends it: plain, or in signed/unsigned `aws-chunked` frames with a checksum
// behind it. Signatures are not checked (the stand-in trusts loopback); checksums are. Knows no HTTP.

import { crc32 } from 'node:zlib';

export interface UploadHeaders {
  readonly contentSha256: string | undefined;
  readonly contentEncoding: string | undefined;
  readonly crc32: string | undefined;
}

export interface Upload {
  readonly body: Buffer;
  /** Base64 CRC-32 named by the client in a header or trailer. */
  readonly crc32: string | undefined;
}

/** The body is not framed as announced, or is not what its checksum says. */
export class BadUploadError extends Error {
  override readonly name = 'BadUploadError';
}

/** @throws BadUploadError */
export function readUpload(raw: Buffer, headers: UploadHeaders): Upload {
  const framed =
    headers.contentSha256?.startsWith('STREAMING-') === true ||
    headers.contentEncoding?.includes('aws-chunked') === true;
  const upload = framed ? readFrames(raw) : { body: raw, crc32: undefined };
  const claimed = upload.crc32 ?? headers.crc32;
  if (claimed !== undefined && claimed !== crc32Of(upload.body)) {
    throw new BadUploadError('The CRC32 you specified did not match the calculated checksum.');
  }
  return { body: upload.body, crc32: claimed };
}

/** `<hex length>[;chunk-signature=…]\r\n<bytes>\r\n … 0\r\n<trailer lines>\r\n\r\n` */
function readFrames(raw: Buffer): Upload {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = raw.indexOf('\r\n', at);
    if (lineEnd === -1) throw new BadUploadError('The request body terminated unexpectedly.');
    const size = Number.parseInt(raw.toString('latin1', at, lineEnd), 16);
    if (!Number.isSafeInteger(size)) throw new BadUploadError('A chunk has no length.');
    at = lineEnd + 2;
    if (size === 0) return { body: Buffer.concat(chunks), crc32: trailerOf(raw.toString('latin1', at)) };
    if (at + size + 2 > raw.length) throw new BadUploadError('The request body terminated unexpectedly.');
    chunks.push(raw.subarray(at, at + size));
    at += size + 2;
  }
}

const trailerOf = (trailers: string): string | undefined =>
  /^x-amz-checksum-crc32:\s*(\S+)/im.exec(trailers)?.[1];

export function crc32Of(body: Uint8Array): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString('base64');
}
