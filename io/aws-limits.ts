// How long a call to AWS may take, and by which way it goes, for every client alike. Knows no client.

import { proxyAgentOptions } from './http/proxy.ts';

export interface AwsLimits {
  readonly attemptsMax: number;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

/** A webhook must still be able to queue itself when S3 hangs, within the ten seconds that its function has. */
export const FUNCTION_LIMITS: AwsLimits = { attemptsMax: 2, connectTimeoutMs: 700, requestTimeoutMs: 1_200 };
/** An agent's sources try again by themselves, with a backoff of their own. */
export const AGENT_LIMITS: AwsLimits = { attemptsMax: 1, connectTimeoutMs: 2_000, requestTimeoutMs: 5_000 };

/**
 * For a client's configuration.
 * @param endpoint where the client asks instead of at AWS, so that NO_PROXY is asked about the right host
 */
export const awsLimits = (
  { attemptsMax, connectTimeoutMs, requestTimeoutMs }: AwsLimits,
  endpoint?: string | undefined,
) => {
  const proxy = proxyAgentOptions(endpoint === undefined ? undefined : (URL.parse(endpoint) ?? undefined));
  return {
    maxAttempts: attemptsMax,
    requestHandler: {
      connectionTimeout: connectTimeoutMs,
      requestTimeout: requestTimeoutMs,
      // Without it the client only warns when the request timeout has passed.
      throwOnRequestTimeout: true,
      // Ends a body that stops coming, which the request timeout does not.
      socketTimeout: requestTimeoutMs,
      // The SDK makes agents of its own of these.
      httpAgent: proxy,
      httpsAgent: proxy,
    },
  };
};
