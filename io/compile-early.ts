// Imported first by the entries: V8 compiles every function to baseline code at its first call instead of interpreting
// it for a while. A change runs code that is never hot: with ten agents on two cores it reached the median one in 47–55 ms
// instead of 58–66 ms.

import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--always-sparkplug');
