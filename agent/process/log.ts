// Pino behind the little Log interface of core. One JSON object per line on standard output, or a line for people.

import { pino } from 'pino';
import type { Log, LogEvent } from '../../core/log.ts';
import type { LogLevel } from '../config/config.ts';

const HIDDEN = '(SDK key)';
/** More keys than an agent serves, and a bound on what every line is searched for. */
const HIDDEN_MAX = 10_000;

export interface LogOptions {
  /** Lines for people instead of JSON. */
  readonly pretty?: boolean;
  /** False leaves SDK keys out. */
  readonly sdkKeys?: boolean;
  /** Which of several processes writes; left out where there is one. */
  readonly worker?: number;
}

export function createLog(level: LogLevel, { pretty = false, sdkKeys = true, worker }: LogOptions = {}): Log {
  // Synchronous: an agent writes a line per change, not per request, and none may be lost at exit.
  const lines = pino.destination({ dest: 1, sync: true });
  const hidden = new HiddenKeys();
  const show = (line: string) => {
    const text = sdkKeys ? line : hidden.without(line);
    return pretty ? forPeople(text) : text;
  };
  const logger = pino(
    {
      level,
      base: worker === undefined ? null : { worker },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'message',
      ...(sdkKeys ? {} : { redact: { paths: ['sdkKey', 'sdkKeys'], remove: true } }),
    },
    pretty || !sdkKeys ? { write: (line: string) => void lines.write(show(line)) } : lines,
  );
  const told = (event: LogEvent, fields?: object) => {
    if (!sdkKeys) hidden.learn(fields);
    return { event, ...fields };
  };
  return {
    info: (event, fields) => logger.info(told(event, fields)),
    warn: (event, fields) => logger.warn(told(event, fields)),
    error: (event, fields) => logger.error(told(event, fields)),
  };
}

/** SDK keys that fields have named: texts such as the message of an error name them too. */
class HiddenKeys {
  readonly #texts = new Set<string>();

  learn(fields: object = {}): void {
    const { sdkKey, sdkKeys } = fields as { readonly sdkKey?: unknown; readonly sdkKeys?: unknown };
    for (const key of [sdkKey, ...(Array.isArray(sdkKeys) ? sdkKeys : [])]) {
      if (typeof key !== 'string' || key === '' || this.#texts.size >= HIDDEN_MAX) continue;
      this.#texts.add(key).add(encodeURIComponent(key));
    }
  }

  without(line: string): string {
    let text = line;
    for (const key of this.#texts) text = text.replaceAll(key, HIDDEN);
    return text;
  }
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
