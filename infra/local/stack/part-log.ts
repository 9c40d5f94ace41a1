// What a process of the stack says, kept in a file of its own, for `fanout logs --local` and for who wants to read it.

import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Part } from './part.ts';

/** Nothing where there is no folder. One that cannot be written any more ends the keeping, not the stack. */
export function keepLog(part: Part, dir: string | undefined): void {
  if (dir === undefined) return;
  const file = createWriteStream(join(dir, `${part.name}.log`), { flags: 'a', mode: 0o600 });
  const stop = part.onLine((line) => file.write(`${line}\n`));
  file.once('error', stop);
}
