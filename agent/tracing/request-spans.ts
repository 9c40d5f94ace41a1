// One server span for each request of the API port, made when it has been answered: all that it says is known by then, and
// nothing has to be kept meanwhile. Continues the caller's trace (W3C traceparent, tracestate).

import {
  type Attributes,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import type { Exchange } from '../http/kernel/exchange.ts';
import type { DatafileFields } from './datafile-fields.ts';
import { hrTime } from './hr-time.ts';
import type { SwapSpans } from './swap-spans.ts';

type Headers = Exchange['request']['headers'];

export interface RequestSpansOptions {
  readonly tracer: Tracer;
  readonly fields: DatafileFields;
  readonly swaps: Pick<SwapSpans, 'contextOf'>;
  readonly scheme: 'http' | 'https';
  /** Probes come every few seconds and say nothing; neither does the original trace them. */
  readonly healthCheckPath: string;
  /** Whether paths that are not a route's own may be shown: they can hold SDK keys. */
  readonly showsPaths: boolean;
}

const propagator = new W3CTraceContextPropagator();
const getter: TextMapGetter<Headers> = {
  get: (headers, name) => headers[name],
  keys: (headers) => Object.keys(headers),
};

export class RequestSpans {
  readonly #options: RequestSpansOptions;

  constructor(options: RequestSpansOptions) {
    this.#options = options;
  }

  /** @param route its pattern; null where there is none */
  answered(
    exchange: Exchange,
    route: string | null,
    status: number,
    durationMs: number,
    endedAtMs: number,
  ): void {
    const { tracer, fields, swaps, healthCheckPath } = this.#options;
    if (route !== null && (route === healthCheckPath || /^\/health(?:\/|$)/.test(route))) return;
    const { request, datafile } = exchange;
    const method = request.method as string;
    const span = tracer.startSpan(
      route === null ? method : `${method} ${route}`,
      { kind: SpanKind.SERVER, startTime: hrTime(endedAtMs - durationMs) },
      propagator.extract(ROOT_CONTEXT, request.headers, getter),
    );
    // Most are not sampled, and cost no more than this.
    if (!span.isRecording()) return;
    span.setAttributes(this.#attributes(exchange, route, status));
    if (datafile !== null) {
      span.setAttributes(fields.of(datafile));
      const context = swaps.contextOf(datafile);
      if (context !== undefined)
        span.addLink({ context, attributes: { 'fanout.change_id': datafile.changeId } });
    }
    if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end(hrTime(endedAtMs));
  }

  /** Named by OpenTelemetry's semantic conventions for HTTP servers. The query is left out: it may be about a user. */
  #attributes({ request }: Exchange, route: string | null, status: number): Attributes {
    const { scheme, showsPaths } = this.#options;
    const [path = ''] = (request.url ?? '').split('?', 1);
    const { host } = request.headers;
    const address = host === undefined ? null : URL.parse(`${scheme}://${host}`);
    return {
      'http.request.method': request.method,
      'http.response.status_code': status,
      'url.scheme': scheme,
      ...(route === null ? {} : { 'http.route': route }),
      ...(path === route || showsPaths ? { 'url.path': path } : {}),
      ...(address === null ? {} : { 'server.address': address.hostname }),
      ...(address === null || address.port === '' ? {} : { 'server.port': Number(address.port) }),
      ...(status >= 500 ? { 'error.type': String(status) } : {}),
    };
  }
}
