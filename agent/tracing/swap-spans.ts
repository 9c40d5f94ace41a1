// A change's trace: one span for each process that took the datafile. The trace's id follows from the change, so that the
// spans of all agents meet in one trace although none of them has heard of the others.

import { ROOT_CONTEXT, type SpanContext, SpanKind, type Tracer } from '@opentelemetry/api';
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace';
import type { SdkKey } from '../../core/ids.ts';
import { changeTraceId } from '../../core/trace.ts';
import { isOfRecord } from '../../core/version.ts';
import type { DatafileMeta } from '../datafiles/sources/source.ts';
import type { DatafileFields } from './datafile-fields.ts';
import { hrTime } from './hr-time.ts';
import type { Swapped } from './types.ts';

/** Gives root spans the trace that was named a moment before. */
export class ChangeTraceIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  next = '';

  generateTraceId(): string {
    return this.next;
  }

  generateSpanId(): string {
    return this.#random.generateSpanId();
  }
}

export interface SwapSpansOptions {
  /** Its provider takes trace ids from `ids`. */
  readonly tracer: Tracer;
  readonly ids: ChangeTraceIds;
  readonly fields: DatafileFields;
}

export class SwapSpans {
  readonly #options: SwapSpansOptions;
  /** Keys that have served something since the start. */
  readonly #served = new Set<SdkKey>();
  readonly #contexts = new WeakMap<DatafileMeta, SpanContext>();

  constructor(options: SwapSpansOptions) {
    this.#options = options;
  }

  /** From the change's publication to its serving here; a key's first datafile was not waited for and takes no time. */
  swapped(held: Swapped): void {
    const { tracer, ids, fields } = this.#options;
    const { source, acceptedAtMs, receivedAtMs, publishedAtMs = receivedAtMs } = held;
    const isFirst = !this.#served.has(held.sdkKey);
    this.#served.add(held.sdkKey);
    const waited = !isFirst && source !== 'disk';
    // The clocks of two machines: a span must not end before it starts.
    const startedAtMs = waited ? Math.min(publishedAtMs, acceptedAtMs) : acceptedAtMs;
    ids.next = traceIdOf(held);
    const span = tracer.startSpan(
      'datafile.swap',
      { kind: SpanKind.INTERNAL, startTime: hrTime(startedAtMs) },
      ROOT_CONTEXT,
    );
    span.setAttributes({ ...fields.of(held), 'fanout.source': source, 'fanout.first': isFirst });
    if (waited) span.setAttribute('fanout.since_received_ms', Math.max(0, acceptedAtMs - receivedAtMs));
    span.end(hrTime(acceptedAtMs));
    this.#contexts.set(held, span.spanContext());
  }

  forgotten(sdkKey: SdkKey): void {
    this.#served.delete(sdkKey);
  }

  /** The span of the swap that brought this datafile. */
  contextOf(datafile: DatafileMeta): SpanContext | undefined {
    return this.#contexts.get(datafile);
  }
}

/** What comes straight from the CDN is called by its revision alone, as any other project's might be. */
const traceIdOf = (datafile: DatafileMeta): string => {
  const { changeId, sha256 } = datafile;
  return changeTraceId(isOfRecord(datafile) ? changeId : `${changeId} ${sha256}`);
};
