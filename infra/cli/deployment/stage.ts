// A deployed stack as an operator may read it: CloudFormation's outputs, and the variables of its functions. Needs
// cloudformation:DescribeStacks and lambda:GetFunctionConfiguration; reads no secret.

import { FanoutError } from '../../../core/errors.ts';
import { proxyAgentOptions } from '../../../io/http/proxy.ts';
import { awsError, isAwsRefusal } from '../aws-errors.ts';
import type { Shell } from '../shell.ts';
import { type Deployment, hasBusUser } from './found.ts';

const SERVICE = 'datafile-fanout';
/** Reconcile is in every region and has all that a writer needs; the webhook adds what is its own. */
const FUNCTIONS = ['reconcile', 'webhook'] as const;

/** @throws FanoutError NOTHING_FOUND, CONFIG_INVALID, REMOTE_REFUSED, REMOTE_UNAVAILABLE */
export async function readStage(
  shell: Shell,
  stage: string,
  note: (line: string) => void,
): Promise<Deployment> {
  const name = `${SERVICE}-${stage}`;
  const outputs = await readOutputs(name);
  const variables = await readVariables(name, note);
  const settings = {
    ...settingsOf(outputs),
    ...Object.fromEntries(Object.entries(variables).filter(([key]) => key.startsWith('FANOUT_'))),
  };
  if (hasBusUser(shell)) delete settings.FANOUT_NATS_SECRET;
  return { name, webhookUrl: outputs.WebhookUrl ?? null, settings };
}

/** The SDK makes agents of its own of these. */
const outboundRoute = () => ({
  requestHandler: { httpAgent: proxyAgentOptions(), httpsAgent: proxyAgentOptions() },
});

/** All that an operator can know who may see the stack and nothing else. */
function settingsOf(outputs: Readonly<Record<string, string>>): Record<string, string> {
  const { FanoutBucketName, FanoutTopicArn } = outputs;
  return {
    ...(FanoutBucketName !== undefined && { FANOUT_BUCKET: FanoutBucketName }),
    ...(FanoutTopicArn !== undefined && { FANOUT_TOPIC_ARN: FanoutTopicArn }),
  };
}

async function readOutputs(name: string): Promise<Record<string, string>> {
  const { CloudFormationClient, DescribeStacksCommand } = await import('@aws-sdk/client-cloudformation');
  const client = new CloudFormationClient(outboundRoute());
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Stacks[0]?.Outputs ?? [];
    return Object.fromEntries(
      outputs.map(({ OutputKey, OutputValue }) => [OutputKey ?? '', OutputValue ?? '']),
    );
  } catch (error) {
    if (error instanceof Error && /does not exist/.test(error.message)) throw noSuchStack(name, error);
    throw awsError(error, `describing the stack ${name}`);
  } finally {
    client.destroy();
  }
}

async function readVariables(
  stack: string,
  note: (line: string) => void,
): Promise<Readonly<Record<string, string>>> {
  const { GetFunctionConfigurationCommand, LambdaClient } = await import('@aws-sdk/client-lambda');
  const client = new LambdaClient(outboundRoute());
  const variablesOf = async (name: string): Promise<Record<string, string>> => {
    const FunctionName = `${stack}-${name}`;
    try {
      const { Environment } = await client.send(new GetFunctionConfigurationCommand({ FunctionName }));
      return Environment?.Variables ?? {};
    } catch (error) {
      // A further region has no webhook.
      if (error instanceof Error && error.name === 'ResourceNotFoundException') return {};
      if (!isAwsRefusal(error)) throw awsError(error, `reading the settings of ${FunctionName}`);
      note(
        `The settings of ${FunctionName} may not be read with these credentials (lambda:GetFunctionConfiguration); only what the stack's outputs say is known.`,
      );
      return {};
    }
  };
  try {
    const all = await Promise.all(FUNCTIONS.map(variablesOf));
    return Object.assign({}, ...all);
  } finally {
    client.destroy();
  }
}

const noSuchStack = (name: string, cause: unknown) =>
  new FanoutError({
    code: 'NOTHING_FOUND',
    message: `There is no stack ${name} in this account and region`,
    remedy:
      'Check --stage, --region and the account (`aws sts get-caller-identity`); `npx osls deploy --stage …` makes one.',
    retryable: false,
    cause,
  });
