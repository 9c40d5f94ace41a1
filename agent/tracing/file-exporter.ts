// Spans in a file, in the shape that the original writes them: one JSON object after another, indented. Begun anew
// at every start, but by workers only added to, as they share it. For a look at traces without a collector.

import cluster from 'node:cluster';
import { appendFile, writeFile } from 'node:fs/promises';
import type { Attributes, HrTime, SpanContext } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

const NS_DIGITS = 9;
const NO_CONTEXT: SpanContext = { traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 };
const STATUS_CODES = ['Unset', 'Ok', 'Error'] as const;

export class FileExporter implements SpanExporter {
  readonly #path: string;
  /** One write after another, begun before the first span so that an old file does not pass for a new one. */
  #written: Promise<void>;

  constructor(path: string) {
    this.#path = path;
    // Other processes of this agent write to the same file.
    this.#written = cluster.isPrimary ? writeFile(path, '') : Promise.resolve();
    this.#written.catch(() => {}); // The first export says so.
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    const text = spans.map((span) => `${JSON.stringify(shown(span), null, '\t')}\n`).join('');
    const append = () => appendFile(this.#path, text);
    // Tried again each time: a folder may yet appear.
    this.#written = this.#written.then(append, append);
    this.#written.then(
      () => done({ code: ExportResultCode.SUCCESS }),
      (error) => done({ code: ExportResultCode.FAILED, error }),
    );
  }

  async shutdown(): Promise<void> {
    await this.#written.catch(() => {}); // The caller of export() was told of the error.
  }
}

const shown = (span: ReadableSpan): object => ({
  Name: span.name,
  SpanContext: shownContext(span.spanContext()),
  Parent: shownContext(span.parentSpanContext ?? NO_CONTEXT),
  // Go counts kinds from 1; 0 is none.
  SpanKind: span.kind + 1,
  StartTime: shownTime(span.startTime),
  EndTime: shownTime(span.endTime),
  Attributes: shownAttributes(span.attributes),
  Events: null,
  Links: span.links.map(({ context, attributes = {} }) => ({
    SpanContext: shownContext(context),
    Attributes: shownAttributes(attributes),
    DroppedAttributeCount: 0,
  })),
  Status: { Code: STATUS_CODES[span.status.code], Description: span.status.message ?? '' },
  DroppedAttributes: span.droppedAttributesCount,
  DroppedEvents: span.droppedEventsCount,
  DroppedLinks: span.droppedLinksCount,
  ChildSpanCount: 0,
  Resource: shownAttributes(span.resource.attributes),
  InstrumentationLibrary: {
    Name: span.instrumentationScope.name,
    Version: span.instrumentationScope.version ?? '',
    SchemaURL: '',
  },
});

const shownContext = ({ traceId, spanId, traceFlags, traceState, isRemote = false }: SpanContext) => ({
  TraceID: traceId,
  SpanID: spanId,
  TraceFlags: traceFlags.toString(16).padStart(2, '0'),
  TraceState: traceState?.serialize() ?? '',
  Remote: isRemote,
});

/** RFC 3339 with nanoseconds. */
function shownTime([seconds, nanoseconds]: HrTime): string {
  const [whole] = new Date(seconds * 1000).toISOString().split('.', 1);
  return `${whole}.${String(nanoseconds).padStart(NS_DIGITS, '0')}Z`;
}

const shownAttributes = (attributes: Attributes): object[] =>
  Object.entries(attributes).map(([Key, Value]) => ({ Key, Value: { Type: typeOf(Value), Value } }));

function typeOf(value: unknown): string {
  if (typeof value === 'boolean') return 'BOOL';
  if (typeof value === 'number') return Number.isInteger(value) ? 'INT64' : 'FLOAT64';
  return 'STRING';
}
