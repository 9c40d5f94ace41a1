// Asks the Optimizely SDK itself whether it can load a datafile, before the datafile is stored. Opens no timer, sends
// no event: a client on a static configuration is ready as soon as it is made, so its readiness promise is never asked.

import {
  createInstance,
  createLogger,
  createStaticProjectConfigManager,
  ERROR,
} from '@optimizely/optimizely-sdk';
import { FanoutError, messageOf } from '../core/errors.ts';
import type { SdkKey } from '../core/ids.ts';

/** The SDK's reasons may quote a name out of the datafile; more than a name never reaches a log line. */
const REASON_CHARS_MAX = 160;

/** @throws FanoutError DATAFILE_UNLOADABLE */
export function sdkCheck(sdkKey: SdkKey, body: Uint8Array): void {
  const reasons: string[] = [];
  const logHandler = { log: (_level: unknown, message: string) => void reasons.push(message) };
  try {
    const client = createInstance({
      projectConfigManager: createStaticProjectConfigManager({ datafile: new TextDecoder().decode(body) }),
      logger: createLogger({ level: ERROR, logHandler }),
      disposable: true,
    });
    try {
      // Null where the SDK has no configuration, or has one that it cannot walk through.
      if (client.getOptimizelyConfig() !== null) return;
    } finally {
      client.close();
    }
  } catch (error) {
    reasons.push(messageOf(error));
  }
  throw unloadable(sdkKey, reasons[0] ?? 'it gave no reason');
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
