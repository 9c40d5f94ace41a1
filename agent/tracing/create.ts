// OpenTelemetry, wired: two tracers, one queue, one way out. Requests are sampled as configured; swaps are few and are
// all kept. Registers nothing globally, so that no library traces through it unasked.

import { hostname } from 'node:os';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { messageOf } from '../../core/errors.ts';
import { VERSION } from '../../core/release.ts';
import type { AgentConfig, TracingSettings } from '../config/config.ts';
import { FailureLog } from '../services/failure-log.ts';
import { serviceFailed, within } from '../services/time-limit.ts';
import { DatafileFields } from './datafile-fields.ts';
import { RequestSpans } from './request-spans.ts';
import { ChangeTraceIds, SwapSpans } from './swap-spans.ts';
import { CountedExporter, CountedProcessor, Tally } from './tally.ts';
import type { LoadedTracing, TracingDeps } from './types.ts';

/** How long a span may wait for others, as in the original. */
const BATCH_DELAY_MS = 5_000;
const BATCH_SPANS_MAX = 512;
/** Spans waiting for a collector that is slow or away; some kilobytes each. */
const QUEUE_SPANS_MAX = 4_096;
const STOP_TIMEOUT_MS = 5_000;
const COLLECTOR = 'The trace collector';

export interface CreateDeps extends TracingDeps {
  /** Where spans go; a test keeps them. */
  readonly exporter: SpanExporter;
}

/** @throws nothing: later failures are logged and counted, as decisions are worth more than traces */
export function createTracing(config: AgentConfig, { clock, log, exporter }: CreateDeps): LoadedTracing {
  const { tracing, server, logSdkKeys } = config;
  const tally = new Tally();
  const troubles = new FailureLog({ clock, log, count: () => {} });
  const onFailed = (error: unknown) =>
    troubles.note({ service: 'traces', what: 'export' }, serviceFailed(COLLECTOR, messageOf(error), error));
  const batches = new BatchSpanProcessor({
    exporter: new CountedExporter(exporter, tally, onFailed),
    maxQueueSize: QUEUE_SPANS_MAX,
    maxExportBatchSize: BATCH_SPANS_MAX,
    scheduledDelayMillis: BATCH_DELAY_MS,
  });
  const shared = {
    resource: resourceFromAttributes(resourceOf(tracing)),
    spanProcessors: [new CountedProcessor(batches, tally, QUEUE_SPANS_MAX)],
  };
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRateOf(tracing)) });
  const idGenerator = new ChangeTraceIds();
  const requests = new TracerProvider({ ...shared, sampler });
  const changes = new TracerProvider({ ...shared, sampler: new AlwaysOnSampler(), idGenerator });
  const scope = 'datafile-fanout';
  const fields = new DatafileFields(logSdkKeys);
  const swaps = new SwapSpans({ tracer: changes.getTracer(scope, VERSION), ids: idGenerator, fields });
  const spans = new RequestSpans({
    ...{ tracer: requests.getTracer(scope, VERSION), fields, swaps },
    scheme: server.tls === null ? 'http' : 'https',
    healthCheckPath: server.healthCheckPath,
    showsPaths: logSdkKeys,
  });
  return {
    answered: (...request) => spans.answered(...request),
    swapped: (held) => swaps.swapped(held),
    forgotten: (sdkKey) => swaps.forgotten(sdkKey),
    stats: () => tally.stats(),
    stop: async () => {
      await within(clock, STOP_TIMEOUT_MS, COLLECTOR, batches.shutdown()).catch(onFailed);
      troubles.stop();
    },
  };
}

/** What goes to a file is kept whole, as in the original. */
const sampleRateOf = ({ exporter }: TracingSettings): number =>
  exporter.kind === 'otlp' ? exporter.sampleRate : 1;

/** The process is named: a change's trace is there to show which agent took it when. */
const resourceOf = ({ serviceName, environment }: TracingSettings) => ({
  'service.name': serviceName,
  'service.version': VERSION,
  'service.instance.id': `${hostname()}:${process.pid}`,
  'host.name': hostname(),
  'process.pid': process.pid,
  'deployment.environment': environment, // The original's name for it; the next one is today's.
  'deployment.environment.name': environment,
});
