// Pino behind the little Log interface of core. One JSON object per line on standard output.

import { pino } from 'pino';
import type { Log, LogEvent } from '../core/log.ts';
import type { LogLevel } from './config.ts';

export function createLog(level: LogLevel): Log {
  // Synchronous: an agent writes a line per change, not per request, and none may be lost at exit.
  const logger = pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' },
    pino.destination({ dest: 1, sync: true }),
  );
  return {
    info: (event: LogEvent, fields) => logger.info({ event, ...fields }),
    warn: (event: LogEvent, fields) => logger.warn({ event, ...fields }),
    error: (event: LogEvent, fields) => logger.error({ event, ...fields }),
  };
}
