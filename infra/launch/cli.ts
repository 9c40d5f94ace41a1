#!/usr/bin/env node
// Entry of the bundle, and the package's program: nothing of it is parsed before Node is known to be new enough.

import './node-version.ts';

await import('../cli/main.ts');
