// Reads a secret by its name from Secrets Manager or SSM Parameter Store. The only file of the functions that knows these two;
// `import()` would keep their unused commands in the bundles. Knows neither the meaning of the text nor how long it is kept.

import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { FanoutError } from '../../core/errors.ts';
import { awsLimits, FUNCTION_LIMITS } from '../../io/aws-limits.ts';

/** Which store, and the name in it: for Secrets Manager a name or an ARN. */
export interface SecretReference {
  readonly store: 'secretsmanager' | 'ssm';
  readonly name: string;
}

const SSM_PREFIX = 'ssm:';
const NAME = /^[\w/+=.@:-]{1,2048}$/;

/** `ssm:/path`, else the name or ARN of a secret in Secrets Manager; null when it can be neither. */
export function parseSecretReference(text: string): SecretReference | null {
  const isSsm = text.startsWith(SSM_PREFIX);
  const name = isSsm ? text.slice(SSM_PREFIX.length) : text;
  return NAME.test(name) ? { store: isSsm ? 'ssm' : 'secretsmanager', name } : null;
}

/** @throws FanoutError SECRET_UNAVAILABLE */
export async function readSecret({ store, name }: SecretReference): Promise<string> {
  try {
    const text = await (store === 'ssm' ? readParameter(name) : readSecretValue(name));
    if (text !== undefined && text !== '') return text;
  } catch (cause) {
    throw unavailable(store, name, cause instanceof Error ? cause.name : 'no answer', cause);
  }
  throw unavailable(store, name, 'it holds no text');
}

async function readSecretValue(name: string): Promise<string | undefined> {
  const region = regionOfArn(name);
  const client = new SecretsManagerClient({
    ...awsLimits(FUNCTION_LIMITS),
    ...(region !== undefined && { region }),
  });
  try {
    return (await client.send(new GetSecretValueCommand({ SecretId: name }))).SecretString;
  } finally {
    client.destroy();
  }
}

async function readParameter(name: string): Promise<string | undefined> {
  const client = new SSMClient(awsLimits(FUNCTION_LIMITS));
  try {
    return (await client.send(new GetParameterCommand({ Name: name, WithDecryption: true }))).Parameter
      ?.Value;
  } finally {
    client.destroy();
  }
}

/** A function of a further region may be given the ARN of the home region's secret. */
const regionOfArn = (name: string): string | undefined => /^arn:[^:]+:[^:]+:([^:]+):/.exec(name)?.[1];

const unavailable = (store: string, name: string, why: string, cause?: unknown) =>
  new FanoutError({
    code: 'SECRET_UNAVAILABLE',
    message: `The secret ${name} could not be read from ${store} (${why})`,
    remedy:
      "Check that it exists in this account and region and holds text, and that the function's role may read it (and use its KMS key, if it has one of its own).",
    retryable: true,
    fields: { secret: name },
    cause,
  });
