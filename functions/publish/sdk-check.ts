// The check before a datafile is stored: limits, identity, and whether the Optimizely SDK can load it. Only an error that the SDK
// throws refuses a datafile: a line that it logs while loading may be about one part of many. Starts no timer and sends no
// event: a client on a static configuration is ready as soon as it is made.

import {
  type Client,
  createInstance,
  createLogger,
  createStaticProjectConfigManager,
  ERROR,
  OptimizelyDecideOption,
} from '@optimizely/optimizely-sdk';
import {
  checkLimits,
  type Datafile,
  type DatafileExpectation,
  decodeText,
} from '../../core/datafile/datafile.ts';
import { DatafileGate } from '../../core/datafile/gate.ts';
import { sha256Of } from '../../core/ids.ts';

/** The SDK's reason for every decision while it has no configuration. */
const NOT_CONFIGURED = /not configured/i;

/**
 * The datafile that `body` is, found good.
 * @throws FanoutError DATAFILE_*
 */
export function sdkCheck(body: Uint8Array, expected: DatafileExpectation): Datafile {
  checkLimits(body, expected.sdkKey);
  const gate = new DatafileGate(body, sha256Of(body), expected);
  const logged: string[] = [];
  try {
    const client = createInstance({
      projectConfigManager: createStaticProjectConfigManager({
        datafile: decodeText(body, expected.sdkKey),
        jsonSchemaValidator: gate.validate,
      }),
      logger: createLogger({
        level: ERROR,
        logHandler: { log: (_level, message) => void logged.push(message) },
      }),
      disposable: true,
    });
    const usable = isUsable(client);
    client.close();
    // Where the SDK has nothing to decide by, its first logged line says why.
    if (!usable) throw new Error(logged[0] ?? 'it says no reason');
    return gate.admitted().datafile;
  } catch (cause) {
    throw gate.refusal(cause);
  }
}

/** A static client is ready at once or never; asking it is the only way to know without waiting. */
function isUsable(client: Client): boolean {
  const reasons = client
    .createUserContext('probe')
    .decide('', [OptimizelyDecideOption.INCLUDE_REASONS]).reasons;
  return !reasons.some((reason) => NOT_CONFIGURED.test(reason));
}
