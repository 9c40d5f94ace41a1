// Entry of the bundle: nothing of it is parsed before Node is known to be new enough.

import './node-version.ts';

await import('../../functions/receiver/main.ts');
