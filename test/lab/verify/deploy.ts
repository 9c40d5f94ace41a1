// `osls deploy` against a moto server, to its end, and `fanout --stage` on what was deployed. moto makes no HTTP API, and gives no
// outputs of a stack that was updated, as osls does with its second half; the functions' variables are all there.

import { join } from 'node:path';
import { LAMBDA_NAMES } from '../../../infra/build.ts';
import { ROOT_DIR } from '../../../infra/local/stack/parts.ts';
import { withMoto } from './moto.ts';
import type { CheckOutcome } from './outcome.ts';
import { run } from './tools.ts';

const OSLS = join(ROOT_DIR, 'node_modules', 'osls', 'bin', 'serverless.js');
const FANOUT = join(ROOT_DIR, 'infra', 'cli', 'main.ts');
const STAGE = 'prod';

export async function deployToMoto(): Promise<CheckOutcome> {
  const packaged = await run('npm', ['run', 'package']);
  if (packaged.code !== 0) throw new Error(`npm run package failed:\n${packaged.output.slice(-2_000)}`);
  return withMoto(async (endpoint) => {
    const env = {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'moto',
      AWS_SECRET_ACCESS_KEY: 'moto',
      AWS_REGION: 'us-east-1',
      SLS_NOTIFICATIONS_MODE: 'off',
    };
    const deployed = await run(process.execPath, [OSLS, 'deploy', '--stage', STAGE, '--verbose'], env);
    const checked = await run(process.execPath, [FANOUT, 'config', 'check', '--stage', STAGE], env);
    const history = await run(process.execPath, [FANOUT, 'datafile', 'history', 'K', '--stage', STAGE], env);
    const expected: readonly (readonly [string, string, RegExp])[] = [
      ...LAMBDA_NAMES.map(
        (name) => ['upload', deployed.output, new RegExp(`Uploading service ${name}\\.zip`)] as const,
      ),
      ['deploy', deployed.output, new RegExp(`Service deployed to stack datafile-fanout-${STAGE}`)],
      ['settings of the functions', checked.output, /^ok: role home, projects in the secret /m],
      // The bucket is there, and nothing is in it yet.
      ['the record', history.output, /The record in datafile-fanout-prod-\S+ has no datafile of K/],
    ];
    const missed = expected.filter(([, output, pattern]) => !pattern.test(output));
    const report = missed.map(([what, output]) => `not reached: ${what}\n${output}`).join('\n');
    return { passed: expected.length - missed.length, failed: missed.length, output: report };
  });
}
