// The running stack of `npm run up`, by the file that it leaves.

import type { Environment } from '../../../functions/settings/settings.ts';
import { readStack } from '../../local/stack/address-file.ts';
import type { Deployment } from './found.ts';

export interface LocalDeployment extends Deployment {
  /** A file with the output of every process. */
  readonly logsDir: string;
}

/** @throws FanoutError STACK_FAILED when none runs */
export async function readLocal(env: Environment, note: (line: string) => void): Promise<LocalDeployment> {
  const { webhook, run } = await readStack({ file: env.FANOUT_STACK_FILE, note });
  return { name: 'the local stack', webhookUrl: webhook, settings: run.env, logsDir: run.logsDir };
}
