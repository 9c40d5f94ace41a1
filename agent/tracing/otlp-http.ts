// OTLP over HTTP, as protobuf: what the original sends. In a file of its own for the same reason as gRPC beside it.

export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
