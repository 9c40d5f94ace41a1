// Reads a file of the agent's own without trusting what its folder holds: a link to a device has no end, a named pipe may never
// begin, and a file may be larger than memory. Knows nothing of what is in it.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Opening a named pipe would otherwise wait for its writer, and hold a thread that all files share. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Something else than a file that the agent wrote: it is to be moved aside. */
export class UnusableFile extends Error {}

/**
 * All of a regular file.
 * @throws UnusableFile where it is something else, or larger than `bytesMax`; or what the file system says
 */
export async function readFileWithin(path: string, bytesMax: number): Promise<Buffer> {
  const file = await opened(path);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new UnusableFile('is no regular file');
    if (stats.size > bytesMax) throw new UnusableFile(`has more than ${bytesMax} bytes`);
    const bytes = Buffer.allocUnsafe(stats.size);
    let length = 0;
    // Never more than its size says: one that grows meanwhile is not whole, which its hash tells.
    while (length < bytes.byteLength) {
      const { bytesRead } = await file.read(bytes, length, bytes.byteLength - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  } finally {
    await file.close();
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, FLAGS);
  } catch (error) {
    // A socket, and a device that is not there.
    if (['ENXIO', 'ENODEV'].includes((error as NodeJS.ErrnoException).code ?? ''))
      throw new UnusableFile('is no regular file', { cause: error });
    throw error;
  }
}
