// The log of every program: pino behind the little Log interface of core. One JSON object per line on standard output, by the
// schema of core/log.ts (docs/logs.md), or a line for people.

import { hostname } from 'node:os';
import { pino } from 'pino';
import type { Log, LogEvent, LogFields, LogLevel, ServiceName } from '../core/log.ts';
import { VERSION } from '../core/release.ts';

const HIDDEN = '(SDK key)';
/** More keys than an agent serves, and a bound on what every line is searched for. */
const HIDDEN_MAX = 10_000;

/** Who writes. */
export interface LogWriter {
  readonly service: ServiceName;
  /** Tells the processes of one service apart; null for the name of the host, which in Kubernetes is that of the pod. */
  readonly name: string | null;
}

export interface LogOptions {
  /** Lines for people instead of JSON. */
  readonly pretty?: boolean;
  /** False leaves SDK keys out. */
  readonly sdkKeys?: boolean;
  /** Which of several processes of one agent writes; left out where there is one. */
  readonly worker?: number;
  /** Takes each line, with its end; standard output when left out. */
  readonly write?: (line: string) => void;
}

/** What every line says of its writer. */
export const writerFields = ({ service, name }: LogWriter) => ({
  service,
  name: name ?? hostname(),
  version: VERSION,
});

export function createLog(
  writer: LogWriter,
  level: LogLevel,
  { pretty = false, sdkKeys = true, worker, write = standardOutput() }: LogOptions = {},
): Log {
  const hidden = new HiddenKeys();
  const show = (line: string) => {
    const text = sdkKeys ? line : hidden.without(line);
    return pretty ? forPeople(text) : text;
  };
  const logger = pino(
    {
      level,
      base: { ...writerFields(writer), ...(worker === undefined ? {} : { worker }) },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      ...(sdkKeys ? {} : { redact: { paths: ['sdkKey', 'sdkKeys'], remove: true } }),
    },
    { write: pretty || !sdkKeys ? (line: string) => write(show(line)) : write },
  );
  const told = (event: LogEvent, fields?: LogFields) => {
    if (!sdkKeys) hidden.learn(fields);
    return { event, ...fields };
  };
  return {
    info: (event, fields) => logger.info(told(event, fields)),
    warn: (event, fields) => logger.warn(told(event, fields)),
    error: (event, fields) => logger.error(told(event, fields)),
  };
}

/** Synchronous: these programs write a line per change, not per request, and none may be lost at exit. */
function standardOutput(): (line: string) => void {
  const lines = pino.destination({ dest: 1, sync: true });
  return (line) => void lines.write(line);
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

/** `12:34:56.789 WARN  bus.unavailable reason=pings`. A terminal shows one process: its name and version are left out. */
function forPeople(line: string): string {
  const { time, level, event, service, name, version, ...fields } = JSON.parse(line) as Record<
    string,
    unknown
  >;
  const rest = Object.entries(fields).map(
    ([field, value]) => `${field}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  const clock = String(time).slice('2000-01-01T'.length, -1);
  return `${[clock, String(level).toUpperCase().padEnd(5), event, ...rest].join(' ')}\n`;
}
