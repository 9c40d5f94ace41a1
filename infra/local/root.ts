// The folder of the checkout. Two folders above this file, and as many above a bundle in dist.

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT_DIR = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
