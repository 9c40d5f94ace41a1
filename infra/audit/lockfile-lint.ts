// Runs lockfile-lint over package-lock.json: registry packages only, over https, with SHA-512.

import { execFile } from 'node:child_process';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, '../../node_modules/lockfile-lint/bin/lockfile-lint.js');
const RULES = [
  '--type',
  'npm',
  '--allowed-hosts',
  'npm',
  '--validate-https',
  '--validate-integrity',
  '--format',
  'plain',
];

/** What it says is wrong, line by line; empty when nothing is. @param path of the lockfile */
export function lockfileLint(path: string): Promise<string[]> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, '--path', path, ...RULES], (error, stdout, stderr) => {
      const said = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '');
      resolve(error === null ? [] : [...said, ...(said.length === 0 ? [error.message] : [])]);
    });
  });
}
