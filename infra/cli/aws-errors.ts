// Failures of the AWS SDK as errors with a remedy for the operator at a terminal. The functions' own errors about AWS are worded
// for the log of a deployment; here the same failures are worded for the operator who typed the command. Knows the SDK's names for
// failures, and none of its clients.

import { type ErrorCode, FanoutError, messageOf } from '../../core/errors.ts';

/** Names of failures, across services. */
const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
const NO_CREDENTIALS_SAID = /^(Region (is missing|not accepted)|Could not load credentials)/;
const REFUSED =
  /^(AccessDenied\w*|UnauthorizedOperation|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|ExpiredToken\w*|InvalidAccessKeyId|Forbidden)$/;
const ABSENT = /^(NoSuchBucket|ResourceNotFoundException|ParameterNotFound|NotFound(Exception)?)$/;
const THROTTLED =
  /^(Throttling\w*|TooManyRequests\w*|LimitExceededException|SlowDown|ServiceUnavailable\w*)$/;

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : '');
const statusOf = (error: unknown): number | undefined =>
  (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;

/** Whether AWS knows the caller, or did not want to, and says no. */
export const isAwsRefusal = (error: unknown): boolean =>
  REFUSED.test(nameOf(error)) || statusOf(error) === 401 || statusOf(error) === 403;

/** @param what the call in words, for example `starting a query in CloudWatch Logs` */
export function awsError(error: unknown, what: string): FanoutError {
  if (error instanceof FanoutError) return error;
  const name = nameOf(error);
  const said = messageOf(error);
  const as = (code: ErrorCode, message: string, remedy: string, retryable = false) =>
    new FanoutError({
      code,
      message,
      remedy,
      retryable,
      fields: { aws: name, status: statusOf(error) },
      cause: error,
    });
  if (NO_CREDENTIALS.test(name) || NO_CREDENTIALS_SAID.test(said))
    return as(
      'CONFIG_INVALID',
      `AWS could not be asked (${what}): ${said}`,
      'Sign in and choose an account and a region: AWS_PROFILE, AWS_REGION, or `aws sso login`.',
    );
  if (isAwsRefusal(error))
    return as(
      'REMOTE_REFUSED',
      `AWS refused ${what}: ${said}`,
      'Check which account and role this is (`aws sts get-caller-identity`), and what the role may do.',
    );
  if (ABSENT.test(name))
    return as(
      'NOTHING_FOUND',
      `AWS does not have it (${what}): ${said}`,
      'Check the name, the region and the account (`aws sts get-caller-identity`).',
    );
  if (THROTTLED.test(name))
    return as('REMOTE_UNAVAILABLE', `AWS throttled ${what}: ${said}`, 'Try again in a minute.', true);
  return as(
    'REMOTE_UNAVAILABLE',
    `AWS could not do it (${what}): ${said || name}`,
    'Check the region and the way to AWS, then try again.',
    true,
  );
}

/** The functions' words for a failure of AWS's, each with what was asked for. */
const OF_FUNCTIONS: Partial<Record<ErrorCode, (error: FanoutError) => string>> = {
  RECORD_UNAVAILABLE: ({ fields }) => `the bucket ${fields.bucket ?? ''}`.trim(),
  SECRET_UNAVAILABLE: ({ fields }) => `the secret ${fields.secret ?? ''}`.trim(),
};
const UNREACHED =
  'Check the region, the endpoints (FANOUT_S3_ENDPOINT, AWS_ENDPOINT_URL) where they are set, and the network; then try again.';

/** An error of a command for the operator who typed it: the true cause of AWS's refusal, and a remedy that can be followed. */
export function forOperator(error: unknown): unknown {
  if (!(error instanceof FanoutError)) return error;
  // The functions' settings, with each problem.
  if (error.code === 'CONFIG_INVALID' && error.fields.wrongSettings !== undefined)
    return withRemedy(
      error,
      'Name the deployment (--stage NAME, or --local for that of `npm run up`), or set the variables in this shell; docs/configuration.md lists them.',
    );
  const asked = OF_FUNCTIONS[error.code];
  if (asked === undefined || error.cause === undefined) return error;
  const { code, message, remedy, retryable } = awsError(error.cause, asked(error));
  const { fields, cause } = error;
  // Where AWS did not answer at all, the function's own message says more.
  if (code === 'REMOTE_UNAVAILABLE') return withRemedy(error, UNREACHED);
  return new FanoutError({ code, message, remedy, retryable, fields, cause });
}

function withRemedy({ code, message, retryable, fields, cause }: FanoutError, remedy: string): FanoutError {
  return new FanoutError({ code, message, remedy, retryable, fields, cause });
}
