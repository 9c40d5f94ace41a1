// Builds the bundles before the first test that runs them as processes, and keeps what tests package of them. Vitest calls it
// once per run, and only when such a test is part of the run.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from '../infra/build.ts';

export default async function buildOnce(): Promise<() => Promise<void>> {
  await build();
  const templates = await mkdtemp(join(tmpdir(), 'fanout-templates-'));
  process.env.FANOUT_TEST_TEMPLATES = templates;
  return () => rm(templates, { recursive: true, force: true });
}
