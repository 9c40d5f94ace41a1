// Builds the bundles before the first test that runs them as processes. Vitest calls it once per run, and only when such
// a test is part of the run.

import { build } from '../infra/build.ts';

export default build;
