// `npm run agent`: one built agent with the environment's own settings, in this process so that signals and exit codes
// are its own; built first when it is not there.

import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { build } from '../build.ts';
import { progress } from './cli.ts';
import { AGENT_BUNDLE } from './stack-parts.ts';

if (!existsSync(AGENT_BUNDLE)) {
  progress('building the agent');
  await build();
}
await import(pathToFileURL(AGENT_BUNDLE).href);
