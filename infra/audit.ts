// `npm run audit`: are the dependencies what the lockfile says, and is anything known against those that we ship? Prints
// and sets the exit code; what is wrong is decided in audit/.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAdvisories } from './audit/advisories.ts';
import { type Lockfile, lockfileProblems } from './audit/lockfile.ts';
import { lockfileLint } from './audit/lockfile-lint.ts';
import { tellFailure, UsageError } from './local/cli.ts';

const ROOT = join(import.meta.dirname, '..');
const AUDIT_TIMEOUT_MS = 60_000;
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const EXIT_WRONG = 1;

const HELP = `npm run audit -- [--require-advisories]
Holds package-lock.json against our rules (a SHA-512 for every package, packages of the registry only, no install scripts in
production but those listed, licences), and asks the registry for advisories of high severity against production packages.
A registry that does not answer that is told of; --require-advisories makes it a failure.
Exit codes: 0 nothing is wrong, 1 something is, 2 the command line is.`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    console.log(HELP);
    return 0;
  }
  const wrong = args.find((arg) => arg !== '--require-advisories');
  if (wrong !== undefined) return tellFailure('audit', new UsageError(`Unknown option '${wrong}'`));
  const path = join(ROOT, 'package-lock.json');
  const lockfile = JSON.parse(readFileSync(path, 'utf8')) as Lockfile;
  const problems = [...lockfileProblems(lockfile), ...(await lockfileLint(path))];
  for (const problem of problems) console.log(`wrong    ${problem}`);
  const packages = Object.keys(lockfile.packages ?? {}).length - 1;
  if (problems.length === 0)
    console.log(`ok       ${packages} packages are as the lockfile's rules want them`);
  const advisories = readAdvisories(await npmAudit());
  if (advisories.kind === 'none')
    console.log('ok       no advisory of high severity against production packages');
  if (advisories.kind === 'found') for (const found of advisories.packages) console.log(`wrong    ${found}`);
  if (advisories.kind === 'unanswered')
    console.log(`skipped  advisories were NOT checked: the registry did not answer (${advisories.why})`);
  const isWrong =
    problems.length > 0 ||
    advisories.kind === 'found' ||
    (advisories.kind === 'unanswered' && args.includes('--require-advisories'));
  return isWrong ? EXIT_WRONG : 0;
}

/** Its exit code says the same as its report, or nothing at all. */
function npmAudit(): Promise<string> {
  const args = ['audit', '--omit=dev', '--audit-level=high', '--json'];
  return new Promise((resolve) => {
    execFile(
      'npm',
      args,
      {
        cwd: ROOT,
        timeout: AUDIT_TIMEOUT_MS,
        maxBuffer: OUTPUT_BYTES_MAX,
        shell: process.platform === 'win32',
      },
      (_error, stdout) => resolve(stdout),
    );
  });
}

process.exitCode = await main(process.argv.slice(2));
