// Logs and embedded metrics of the functions, behind the small interfaces that the work knows. Log lines, and those that
// carry metrics, are by the one schema of core/log.ts.

import { Metrics as Embedded, MetricUnit } from '@aws-lambda-powertools/metrics';
import {
  LOG_LEVELS,
  type Log,
  type LogEvent,
  type LogFields,
  type LogLevel,
  METRIC_NAMESPACE,
  type ServiceName,
} from '../core/log.ts';
import { changeTraceId } from '../core/trace.ts';
import { createLog, writerFields } from '../io/log.ts';
import type { Metrics } from './ports.ts';

export interface Telemetry {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Prints what was counted since the last call, in CloudWatch's embedded format. */
  flush(): void;
}

export interface TelemetryOptions {
  readonly service: ServiceName;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly nowMs: () => number;
  /** Takes each log line, with its end; standard output when left out. */
  readonly write?: (line: string) => void;
}

type ChangeOfLine = { readonly changeId?: string };

export function createTelemetry({ service, env, nowMs, write }: TelemetryOptions): Telemetry {
  const writer = { service, name: env.FANOUT_NAME?.trim() || env.AWS_LAMBDA_FUNCTION_NAME || null };
  const logger = createLog(writer, levelOf(env), write === undefined ? {} : { write });
  // Keeps the metrics of several stages in one account apart.
  const stage = env.FANOUT_STAGE?.trim();
  const embedded = new Embedded({
    namespace: METRIC_NAMESPACE,
    serviceName: service,
    defaultDimensions: stage ? { stage } : {},
  });
  let counted = false;
  const withTrace = (fields: LogFields & ChangeOfLine = {}): LogFields =>
    // The trace in which agents say when they took the change.
    fields.changeId === undefined ? fields : { ...fields, traceId: changeTraceId(fields.changeId) };
  return {
    log: {
      info: (event, fields) => logger.info(event, withTrace(fields)),
      warn: (event, fields) => logger.warn(event, withTrace(fields)),
      error: (event, fields) => logger.error(event, withTrace(fields)),
    },
    metrics: {
      count: (name, amount = 1) => {
        counted = true;
        embedded.addMetric(name, MetricUnit.Count, amount);
      },
      timeMs: (name, elapsedMs) => {
        counted = true;
        embedded.addMetric(name, MetricUnit.Milliseconds, Math.max(0, elapsedMs));
      },
    },
    flush: () => {
      if (!counted) return;
      counted = false;
      // CloudWatch takes the metrics out of the line; what is left must read like any other.
      const { name, version } = writerFields(writer);
      const event: LogEvent = 'metrics.counted';
      const line = { level: 'info', time: new Date(nowMs()).toISOString(), name, version, event };
      for (const [field, value] of Object.entries(line)) embedded.addMetadata(field, value);
      embedded.publishStoredMetrics();
    },
  };
}

/** A wrong word is a problem of the settings, which are read elsewhere; until then lines are written as usual. */
function levelOf(env: TelemetryOptions['env']): LogLevel {
  const asked = env.FANOUT_LOG_LEVEL?.trim().toLowerCase();
  return LOG_LEVELS.find((level) => level === asked) ?? 'info';
}

/** A log whose every line carries `fields`, above all the changeId. */
export function withFields(log: Log, fields: LogFields): Log {
  return {
    info: (event, more) => log.info(event, { ...fields, ...more }),
    warn: (event, more) => log.warn(event, { ...fields, ...more }),
    error: (event, more) => log.error(event, { ...fields, ...more }),
  };
}
