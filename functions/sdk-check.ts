// The check at the door: limits, identity, and the Optimizely SDK's own word that it can load a datafile, before it is
// stored. Parses once: the SDK shows the parsed datafile to its validator, and that is where identity is read. Opens no
// timer, sends no event: a client on a static configuration is ready as soon as it is made.

import {
  createInstance,
  createLogger,
  createStaticProjectConfigManager,
  ERROR,
} from '@optimizely/optimizely-sdk';
import {
  checkLimits,
  type Datafile,
  type DatafileExpectation,
  identifyDatafile,
  missingList,
  notJson,
} from '../core/datafile.ts';
import { FanoutError, messageOf } from '../core/errors.ts';
import { type SdkKey, sha256Of } from '../core/ids.ts';

/** The SDK's reasons may quote a name out of the datafile; more than a name never reaches a log line. */
const REASON_CHARS_MAX = 160;

/**
 * The datafile that `body` is, found good.
 * @throws FanoutError DATAFILE_TOO_LARGE, DATAFILE_INVALID, DATAFILE_WRONG_KEY, DATAFILE_WRONG_PROJECT, DATAFILE_UNLOADABLE
 */
export function sdkCheck(body: Uint8Array, expected: DatafileExpectation): Datafile {
  checkLimits(body, expected.sdkKey);
  const reasons: string[] = [];
  let datafile: Datafile | null = null;
  let refusal: unknown = null;
  const validate = (parsed: unknown): boolean => {
    try {
      datafile = identifyDatafile(parsed, body, sha256Of(body), expected);
      const missing = missingList(parsed);
      if (missing !== null) throw unloadable(expected.sdkKey, `it has no list "${missing}"`);
      return true;
    } catch (error) {
      // The SDK replaces what its validator throws by a general error.
      refusal = error;
      throw error;
    }
  };
  try {
    const client = createInstance({
      projectConfigManager: createStaticProjectConfigManager({
        datafile: decodeText(body, expected.sdkKey),
        jsonSchemaValidator: validate,
      }),
      logger: createLogger({
        level: ERROR,
        logHandler: { log: (_level, message) => void reasons.push(message) },
      }),
      disposable: true,
    });
    client.close();
  } catch (error) {
    if (error instanceof FanoutError) throw error;
    reasons.push(messageOf(error));
  }
  if (refusal !== null) throw refusal;
  // Never shown to the validator: the SDK could not even parse it.
  if (datafile === null) throw notJson(expected.sdkKey);
  if (reasons[0] !== undefined) throw unloadable(expected.sdkKey, reasons[0]);
  return datafile;
}

/** A lenient decoder would let the SDK load what nobody published. @throws FanoutError DATAFILE_INVALID */
function decodeText(body: Uint8Array, sdkKey: SdkKey): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch (cause) {
    throw notJson(sdkKey, cause);
  }
}

const unloadable = (sdkKey: SdkKey, reason: string) =>
  new FanoutError({
    code: 'DATAFILE_UNLOADABLE',
    message: `The Optimizely SDK cannot load the datafile of ${sdkKey}: ${reason.slice(0, REASON_CHARS_MAX)}`,
    remedy:
      'Agents keep the last good one. Undo the last change in the app, or report the datafile to Optimizely.',
    retryable: false,
    fields: { sdkKey },
  });
