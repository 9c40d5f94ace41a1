// The documents' blocks that need the AWS CLI, in order as a reader runs them, against a moto server: the page about
// AWS deploys, the runbook works on what was deployed.

import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { documentsWith } from '../../docs/blocks.ts';
import { runDocument } from '../../docs/run.ts';
import { withMoto } from './moto.ts';
import type { CheckOutcome } from './outcome.ts';
import { pythonTool, run } from './tools.ts';

const STACK = 'datafile-fanout-prod';
const DEPLOYING_PAGE = 'docs/deploy-aws.md';

export async function documentsAgainstMoto(): Promise<CheckOutcome> {
  const aws = await pythonTool('aws');
  return withMoto(async (endpoint) => {
    const env = {
      PATH: [dirname(aws), process.env.PATH].join(delimiter),
      // No AWS profile of the developer.
      AWS_CONFIG_FILE: '/dev/null',
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: 'moto',
      AWS_SECRET_ACCESS_KEY: 'moto',
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
      SLS_NOTIFICATIONS_MODE: 'off',
    };
    let [passed, failed, output] = [0, 0, ''];
    for (const document of documentsWith('aws')) {
      const ran = await runDocument(document, 'aws', { env, fillIn: {} });
      if (ran.code === 0) passed += 1;
      else {
        failed += 1;
        output += `${document} ended with ${ran.code} after ${ran.last}:\n${ran.output.slice(-3_000)}\n`;
      }
      if (document === DEPLOYING_PAGE && ran.code === 0) await giveOutputs(aws, env);
    }
    return { passed, failed, output };
  });
}

/** moto gives no outputs of a stack that a change set has updated, and makes no HTTP API that one could name. */
async function giveOutputs(aws: string, env: Record<string, string>): Promise<void> {
  const stack = ['--stack-name', STACK];
  const { code, output } = await run(
    aws,
    ['cloudformation', 'get-template', ...stack, '--query', 'TemplateBody'],
    env,
  );
  if (code !== 0) throw new Error(`The deployed template cannot be read: ${output}`);
  const template = JSON.parse(output);
  for (const name of ['WebhookUrl', 'HttpApiId', 'HttpApiUrl']) delete template.Outputs[name];
  const file = join(tmpdir(), `datafile-fanout-template-${process.pid}.json`);
  await writeFile(file, JSON.stringify(template));
  const more = ['--template-body', `file://${file}`, '--capabilities', 'CAPABILITY_NAMED_IAM'];
  const updated = await run(aws, ['cloudformation', 'update-stack', ...stack, ...more], env);
  if (updated.code !== 0) throw new Error(`The stack cannot be updated: ${updated.output}`);
}
