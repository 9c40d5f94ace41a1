// Where spans go: a file, or a collector over OTLP. Each kind's package is loaded only where it is the configured one.
// Knows nothing of what the spans are about.

import type { SpanExporter } from '@opentelemetry/sdk-trace';
import { proxyAgentOptions } from '../../io/http/proxy.ts';
import type { TracingSettings } from '../config/config.ts';

const TRACES_PATH = '/v1/traces';
/** For one batch to be taken, retries included. */
const EXPORT_TIMEOUT_MS = 10_000;

/**
 * Over gRPC the package goes by the proxy of the environment by itself, by the names in lower case.
 * Headers, certificates and such come from OpenTelemetry's own variables (OTEL_EXPORTER_OTLP_…), as in the original.
 */
export async function createExporter(settings: TracingSettings['exporter']): Promise<SpanExporter> {
  if (settings.kind === 'file') {
    const { FileExporter } = await import('./file-exporter.ts');
    return new FileExporter(settings.path);
  }
  const { endpoint, protocol } = settings;
  const timeoutMillis = EXPORT_TIMEOUT_MS;
  if (protocol === 'grpc') {
    const { OTLPTraceExporter } = await import('./otlp-grpc.ts');
    return new OTLPTraceExporter({ url: urlOf(endpoint), timeoutMillis });
  }
  const { OTLPTraceExporter } = await import('./otlp-http.ts');
  const url = tracesUrl(endpoint);
  const httpAgentOptions = { keepAlive: true, ...proxyAgentOptions(URL.parse(url) ?? undefined) };
  return new OTLPTraceExporter({ url, timeoutMillis, httpAgentOptions });
}

/** Without a scheme as the original takes it: a host and port that are spoken to without TLS. */
export const urlOf = (endpoint: string): string =>
  /^[a-z]+:\/\//i.test(endpoint) ? endpoint : `http://${endpoint}`;

/** An address without a path is a collector's, whose path is always the same. */
export function tracesUrl(endpoint: string): string {
  const url = urlOf(endpoint);
  const parsed = URL.parse(url);
  return parsed?.pathname === '/' ? new URL(TRACES_PATH, parsed).href : url;
}
