// Reading and writing pieces of files. Writing is by position: what a failed write left behind is written over.

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Events tell of users: for the agent's own user alone. */
const FILE_MODE = 0o600;
/** `there`: one that another agent took over must not come back under its old name. */
const FLAGS = { new: 'wx', there: constants.O_WRONLY } as const;

/** @throws what the file system says; then some of the bytes may have been written */
export function writeAt(
  path: string,
  which: keyof typeof FLAGS,
  bytes: Uint8Array,
  position: number,
): Promise<void> {
  return opened(path, FLAGS[which], async (file) => {
    for (let at = 0; at < bytes.byteLength; ) {
      const { bytesWritten } = await file.write(bytes, at, bytes.byteLength - at, position + at);
      at += bytesWritten;
    }
  });
}

/** As much of it as there is. */
export function readAt(path: string, position: number, bytes: number): Promise<Uint8Array> {
  return opened(path, 'r', async (file) => {
    const buffer = Buffer.alloc(bytes);
    const { bytesRead } = await file.read(buffer, 0, bytes, position);
    return buffer.subarray(0, bytesRead);
  });
}

/** Null where the file is not there (any more). */
export async function ifThere<T>(run: () => Promise<T>): Promise<T | null> {
  try {
    return await run();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function opened<T>(
  path: string,
  flag: string | number,
  run: (file: FileHandle) => Promise<T>,
): Promise<T> {
  const file = await open(path, flag, FILE_MODE);
  try {
    return await run(file);
  } finally {
    await file.close();
  }
}
