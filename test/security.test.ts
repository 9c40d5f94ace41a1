// The threat table of SECURITY.md names the test that covers each line: those must be there.

import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const ROW = /^\|[^|]+\|[^|]+\|([^|]+)\|$/gm;

it('every threat in SECURITY.md names tests that exist', () => {
  const [, table = ''] = readFileSync('SECURITY.md', 'utf8').split('## Threats');
  const rows = [...table.matchAll(ROW)].map(([, tests = '']) =>
    [...tests.matchAll(/`([^`]+)`/g)].map(([, path]) => path),
  );
  const named = rows.filter((paths) => paths.length > 0);
  expect(named.length).toBeGreaterThan(10);
  // The head of the table and the line below it name none.
  expect(rows.length - named.length).toBe(2);
  for (const path of named.flat()) expect(existsSync(path as string), path).toBe(true);
});
