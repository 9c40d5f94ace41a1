// Programs that tests start from their sources share what Node made of them: a start costs half the processor time.

import { join } from 'node:path';
import { ROOT_DIR } from '../../infra/local/root.ts';

export const COMPILE_CACHE = { NODE_COMPILE_CACHE: join(ROOT_DIR, '.cache', 'compile') };
