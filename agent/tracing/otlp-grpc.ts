// OTLP over gRPC, in a file of its own: a bundler gives a CommonJS package no names to a late import(), but to this one.

export { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-grpc';
