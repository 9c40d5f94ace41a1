// `npm run verify`: what `npm test` cannot prove without foreign tools (checks.ts), as a table, ending with `N passed,
// N failed`. A tool that cannot be installed is a failure with its remedy, never a skip.

import { FanoutError, messageOf } from '../../../core/errors.ts';
import { progress, table, tellFailure, tellUsage } from '../../../infra/local/cli.ts';
import { type Check, checks } from './checks.ts';
import type { CheckOutcome } from './outcome.ts';

async function runCheck({ name, run }: Check): Promise<CheckOutcome> {
  progress(`\n== ${name}`);
  try {
    const outcome = await run();
    if (outcome.output !== '') progress(outcome.output);
    return outcome;
  } catch (error) {
    progress(`error: ${messageOf(error)}`);
    if (error instanceof FanoutError) progress(error.remedy);
    return { passed: 0, failed: 1, output: '' };
  }
}

const USAGE = `npm run verify

Proves what npm test cannot without foreign tools, which it installs into .cache/verify: moto, versitygw, a current nats-server,
cfn-lint, hadolint, helm. Needs Python and Go, and takes many minutes. S3_ENDPOINT names one more S3 to try. No options.`;

try {
  if (!tellUsage('npm run verify', USAGE, process.argv.slice(2))) process.exit(0);
} catch (error) {
  process.exit(tellFailure('verify', error));
}

const rows: string[][] = [['check', 'passed', 'failed']];
let passed = 0;
let failed = 0;
for (const check of checks(process.env)) {
  const outcome = await runCheck(check);
  rows.push([check.name, String(outcome.passed), String(outcome.failed)]);
  passed += outcome.passed;
  failed += outcome.failed;
}
process.stdout.write(`\n${table(rows)}\n\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
