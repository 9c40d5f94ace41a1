// Installs nats-server before the first test, where there is none: an install may take longer than a test may. Where it
// cannot be had, the tests that need it fail and say why; all others still run.

import { printError } from '../../../infra/local/cli.ts';
import { ensureNatsServer } from '../../../infra/local/tools/nats-install.ts';

export default async function installBus(): Promise<void> {
  await ensureNatsServer().catch(printError);
}
