// `npm run agent`: one built agent with the environment's own settings, in this process so that signals and exit codes
// are its own; built first when it is not there. Where npm started it, it ends with npm.

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from '../build.ts';
import { progress } from './cli.ts';
import { onParentGone } from './exit.ts';
import { AGENT_BUNDLE } from './stack/parts.ts';

if (!existsSync(AGENT_BUNDLE)) {
  progress('building the agent');
  await build();
}
// A shell that it was left running from is another matter: that may close.
if (process.env.npm_lifecycle_event !== undefined) onParentGone(() => process.kill(process.pid, 'SIGTERM'));
await import(pathToFileURL(AGENT_BUNDLE).href);
