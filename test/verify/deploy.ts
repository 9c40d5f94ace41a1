// `osls deploy` against a moto server, as far as that goes: the deployment bucket's stack is made, template and zips are
// uploaded, the template is handed to CloudFormation for validation. There moto ends it: its ValidateTemplate runs every rule
// of cfn-lint, obeys no `ignore_checks`, and takes warnings for errors. So no function, role or API is ever made there.

import { join } from 'node:path';
import { LAMBDA_NAMES } from '../../infra/build.ts';
import { ROOT_DIR } from '../../infra/local/stack-parts.ts';
import type { Outcome } from './checks.ts';
import { withMoto } from './moto.ts';
import { run } from './tools.ts';

const OSLS = join(ROOT_DIR, 'node_modules', 'osls', 'bin', 'serverless.js');
/** W8003, which infra/serverless/lint.yml gives the reason for; any other complaint is ours. */
const MOTO_ENDS_HERE = /template is invalid: .*will always return (True or )?(True|False)/;

export async function deployToMoto(): Promise<Outcome> {
  const packaged = await run('npm', ['run', 'package']);
  if (packaged.code !== 0) throw new Error(`npm run package failed:\n${packaged.output.slice(-2_000)}`);
  return withMoto(async (endpoint) => {
    const { output } = await run(process.execPath, [OSLS, 'deploy', '--verbose'], {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'moto',
      AWS_SECRET_ACCESS_KEY: 'moto',
      AWS_REGION: 'us-east-1',
      SLS_NOTIFICATIONS_MODE: 'off',
    });
    const reached = [
      /CREATE_COMPLETE - AWS::CloudFormation::Stack/,
      /Uploading CloudFormation file to S3/,
      ...LAMBDA_NAMES.map((name) => new RegExp(`Uploading service ${name}\\.zip file`)),
      MOTO_ENDS_HERE,
    ];
    const missed = reached.filter((step) => !step.test(output));
    const report = missed.length === 0 ? '' : `not reached: ${missed.join(', ')}\n${output}`;
    return { passed: reached.length - missed.length, failed: missed.length, output: report };
  });
}
