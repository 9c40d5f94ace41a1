// What the AWS SDK throws, as errors with a remedy. Knows the SDK's names for failures, and none of its clients.

import { FanoutError, messageOf } from '../../core/errors.ts';

/** Names of failures, across services. */
const NO_CREDENTIALS = /^(CredentialsProviderError|TokenProviderError)$/;
const REFUSED =
  /^(AccessDenied\w*|UnauthorizedOperation|UnrecognizedClientException|InvalidClientTokenId|InvalidSignatureException|SignatureDoesNotMatch|ExpiredToken\w*|InvalidAccessKeyId|Forbidden)$/;
const THROTTLED =
  /^(Throttling\w*|TooManyRequests\w*|LimitExceededException|SlowDown|ServiceUnavailable\w*)$/;

/** @param what the call in words, for example `starting a query in CloudWatch Logs` */
export function awsError(error: unknown, what: string): FanoutError {
  if (error instanceof FanoutError) return error;
  const name = error instanceof Error ? error.name : '';
  const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
  const fields = { aws: name, status };
  const said = messageOf(error);
  if (
    NO_CREDENTIALS.test(name) ||
    /^(Region (is missing|not accepted)|Could not load credentials)/.test(said)
  )
    return new FanoutError({
      code: 'CONFIG_INVALID',
      message: `AWS could not be asked (${what}): ${said}`,
      remedy: 'Sign in and choose an account and a region: AWS_PROFILE, AWS_REGION, or `aws sso login`.',
      retryable: false,
      fields,
      cause: error,
    });
  if (REFUSED.test(name) || status === 401 || status === 403)
    return new FanoutError({
      code: 'REMOTE_REFUSED',
      message: `AWS refused ${what}: ${said}`,
      remedy:
        'Check which account and role this is (`aws sts get-caller-identity`), and what the role may do.',
      retryable: false,
      fields,
      cause: error,
    });
  if (THROTTLED.test(name))
    return new FanoutError({
      code: 'REMOTE_UNAVAILABLE',
      message: `AWS throttled ${what}: ${said}`,
      remedy: 'Try again in a minute.',
      retryable: true,
      fields,
      cause: error,
    });
  return new FanoutError({
    code: 'REMOTE_UNAVAILABLE',
    message: `AWS could not do it (${what}): ${said || name}`,
    remedy: 'Check the region and the way to AWS, then try again.',
    retryable: true,
    fields,
    cause: error,
  });
}
