// Counts the outcome of every span: around OpenTelemetry's queue, which drops spans silently, and around its exporters, whose
// failures it does not report.

import { TraceFlags } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace';
import type { TraceStats } from './types.ts';

export class Tally {
  sent = 0;
  failed = 0;
  dropped = 0;
  /** In the queue, not yet handed to the exporter. */
  waiting = 0;

  stats(): TraceStats {
    const { sent, failed, dropped } = this;
    return { sent, failed, dropped };
  }
}

/** Before the queue. */
export class CountedProcessor implements SpanProcessor {
  readonly #queue: SpanProcessor;
  readonly #tally: Tally;
  readonly #waitingMax: number;

  constructor(queue: SpanProcessor, tally: Tally, waitingMax: number) {
    this.#queue = queue;
    this.#tally = tally;
    this.#waitingMax = waitingMax;
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#tally.waiting >= this.#waitingMax) {
      this.#tally.dropped++;
      return;
    }
    this.#tally.waiting++;
    this.#queue.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#queue.forceFlush();
  }

  shutdown(): Promise<void> {
    return this.#queue.shutdown();
  }
}

/** Behind it. */
export class CountedExporter implements SpanExporter {
  readonly #exporter: SpanExporter;
  readonly #tally: Tally;
  readonly #onFailed: (error: unknown) => void;

  constructor(exporter: SpanExporter, tally: Tally, onFailed: (error: unknown) => void) {
    this.#exporter = exporter;
    this.#tally = tally;
    this.#onFailed = onFailed;
  }

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.#tally.waiting -= spans.length;
    this.#exporter.export(spans, (result) => {
      if (result.code === ExportResultCode.SUCCESS) this.#tally.sent += spans.length;
      else {
        this.#tally.failed += spans.length;
        this.#onFailed(result.error ?? new Error('no reason given'));
      }
      // Logged and counted here; the caller, the span processor of OpenTelemetry, does not handle errors.
      done({ code: ExportResultCode.SUCCESS });
    });
  }

  async forceFlush(): Promise<void> {
    await this.#exporter.forceFlush?.();
  }

  shutdown(): Promise<void> {
    return this.#exporter.shutdown();
  }
}
