// Pino behind the little Log interface of core. One JSON object per line on standard output, or a line for people.

import { pino } from 'pino';
import type { Log, LogEvent } from '../core/log.ts';
import type { LogLevel } from './config.ts';

export interface LogOptions {
  /** Lines for people instead of JSON. */
  readonly pretty?: boolean;
  /** False leaves SDK keys out. */
  readonly sdkKeys?: boolean;
}

export function createLog(level: LogLevel, { pretty = false, sdkKeys = true }: LogOptions = {}): Log {
  // Synchronous: an agent writes a line per change, not per request, and none may be lost at exit.
  const lines = pino.destination({ dest: 1, sync: true });
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      ...(sdkKeys ? {} : { redact: { paths: ['sdkKey', 'sdkKeys'], remove: true } }),
    },
    pretty ? { write: (line: string) => void lines.write(forPeople(line)) } : lines,
  );
  return {
    info: (event: LogEvent, fields) => logger.info({ event, ...fields }),
    warn: (event: LogEvent, fields) => logger.warn({ event, ...fields }),
    error: (event: LogEvent, fields) => logger.error({ event, ...fields }),
  };
}

/** `12:34:56.789 WARN  bus.unavailable reason=pings` */
function forPeople(line: string): string {
  const { time, level, event, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const name = pino.levels.labels[level as number] ?? '';
  const rest = Object.entries(fields).map(
    ([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const clock = String(time).slice('2000-01-01T'.length, -1);
  return `${[clock, name.toUpperCase().padEnd(5), event, ...rest].join(' ')}\n`;
}
