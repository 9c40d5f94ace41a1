// The bus of the local stack as a part: a real nats-server on its own ports and folder.

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Part } from '../stack/part.ts';
import type { Reaper } from '../stack/reaper-client.ts';
import { type NatsOptions, natsConfig } from './nats-config.ts';

export type LocalNatsOptions = Omit<NatsOptions, 'storeDir'> & {
  /** Configuration and JetStream's files; they survive a restart of the part. */
  readonly dir: string;
  readonly serverPath: string;
};

/** Not started yet. */
export async function createNatsServer(options: LocalNatsOptions, reaper: Reaper): Promise<Part> {
  await mkdir(options.dir, { recursive: true });
  const configPath = join(options.dir, 'nats.conf');
  await writeFile(configPath, natsConfig({ ...options, storeDir: options.dir }));
  return new Part(
    {
      name: 'nats-server',
      command: options.serverPath,
      args: ['--config', configPath],
      // Logged after the client, WebSocket and JetStream parts are up, in every version from 2.9 to 2.12.
      readiness: /Server is ready/,
    },
    reaper,
  );
}
