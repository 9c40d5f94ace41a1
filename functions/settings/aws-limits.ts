// How long an AWS call may take, and by which way it goes, for every client alike: a webhook must still be able to queue
// itself when S3 hangs, within the ten seconds that its function has. Knows no client.

import { proxyAgentOptions } from '../../io/proxy.ts';

const CONNECT_TIMEOUT_MS = 700;
const REQUEST_TIMEOUT_MS = 1_200;
const ATTEMPTS_MAX = 2;

/** For a client's configuration. */
export const awsLimits = () => ({
  maxAttempts: ATTEMPTS_MAX,
  requestHandler: {
    connectionTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Without it the client only warns when the request timeout has passed.
    throwOnRequestTimeout: true,
    // Ends a body that stops coming, which the request timeout does not.
    socketTimeout: REQUEST_TIMEOUT_MS,
    // The SDK makes agents of its own of these.
    httpAgent: proxyAgentOptions(),
    httpsAgent: proxyAgentOptions(),
  },
});
