// Before the first test: a folder for all output of the run. After the last: no file in it may hold a secret that any test
// had in use, or the run fails. Runs once for each of vitest's projects.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findSecrets, type Secret } from './secrets.ts';

export default function watchOutput(project: TestProject): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'fanout-output-'));
  project.provide('outputFolder', folder);
  return () => {
    const finds = findInFolder(folder);
    rmSync(folder, { recursive: true, force: true });
    if (finds.length > 0) throw new Error(`Secrets were printed:\n${finds.join('\n')}`);
  };
}

/** One line for each, with the end of what stands before it; never the secret. */
export function findInFolder(folder: string): string[] {
  const names = readdirSync(folder);
  const isSecrets = (name: string) => name.endsWith('secrets.jsonl');
  const secrets = new Map<string, Secret>();
  for (const name of names.filter(isSecrets))
    for (const line of readFileSync(join(folder, name), 'utf8').split('\n').filter(Boolean)) {
      const secret = JSON.parse(line) as Secret;
      secrets.set(secret.value, secret);
    }
  return names
    .filter((name) => !isSecrets(name))
    .flatMap((name) =>
      findSecrets(readFileSync(join(folder, name), 'utf8'), [...secrets.values()]).map(
        ({ label, before }) => `  ${label}, in ${name}, after: …${before.slice(-120).replaceAll('\n', '⏎')}`,
      ),
    );
}
