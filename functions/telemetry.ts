// Structured logs and embedded metrics of the functions, by Powertools, behind the small interfaces that the work
// knows. One line per event; the fields are named in core/log.ts.

import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics as Embedded, MetricUnit } from '@aws-lambda-powertools/metrics';
import { type Log, type LogEvent, METRIC_NAMESPACE } from '../core/log.ts';
import { changeTraceId } from '../core/trace.ts';
import type { Metrics } from './ports.ts';

export interface Telemetry {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Prints what was counted since the last call, in CloudWatch's embedded format. */
  flush(): void;
}

type LogFields = { readonly changeId?: string };

/**
 * @param service which function speaks, for example `webhook`
 * @param stage keeps the metrics of several stages in one account apart; empty for none
 */
export function createTelemetry(service: string, stage = ''): Telemetry {
  const logger = new Logger({ serviceName: service });
  const embedded = new Embedded({
    namespace: METRIC_NAMESPACE,
    serviceName: service,
    defaultDimensions: stage === '' ? {} : { stage },
  });
  let counted = false;
  const line = (event: LogEvent, fields: LogFields = {}): { message: string; event: LogEvent } => ({
    ...fields,
    // The trace in which agents say when they took the change.
    ...(fields.changeId === undefined ? {} : { traceId: changeTraceId(fields.changeId) }),
    message: event,
    event,
  });
  return {
    log: {
      info: (event, fields) => logger.info(line(event, fields)),
      warn: (event, fields) => logger.warn(line(event, fields)),
      error: (event, fields) => logger.error(line(event, fields)),
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
      embedded.publishStoredMetrics();
    },
  };
}

/** A log whose every line carries `fields`, above all the changeId. */
export function withFields(log: Log, fields: object): Log {
  return {
    info: (event, more) => log.info(event, { ...fields, ...more }),
    warn: (event, more) => log.warn(event, { ...fields, ...more }),
    error: (event, more) => log.error(event, { ...fields, ...more }),
  };
}
