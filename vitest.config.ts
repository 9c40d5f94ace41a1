// Two sorts of tests. `unit` needs nothing but the sources (and now and then a nats-server) and runs in parallel. `built`
// starts the bundles as processes: they are built once beforehand, and one file runs at a time so that none waits for a core.

import { defineConfig } from 'vitest/config';

const BUILT = ['test/e2e/**/*.test.ts', 'test/infra/*.test.ts'];

export default defineConfig({
  test: {
    passWithNoTests: false,
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: BUILT,
          globalSetup: ['test/output/check.ts', 'test/support/bus/bus-once.ts'],
          setupFiles: 'test/output/tap.ts',
          testTimeout: 30_000,
          hookTimeout: 30_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'built',
          include: BUILT,
          globalSetup: ['test/output/check.ts', 'test/support/bus/bus-once.ts', 'test/build-once.ts'],
          setupFiles: 'test/output/tap.ts',
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
