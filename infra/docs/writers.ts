// Every generated part of the documents, by its name.

import { agentSettings } from './agent-settings.ts';
import { commandParts } from './commands.ts';
import { figureParts } from './figures.ts';
import { functionSettings } from './function-settings.ts';
import type { Writers } from './pages.ts';

export const WRITERS: Writers = { ...agentSettings, ...commandParts, ...figureParts, ...functionSettings };
