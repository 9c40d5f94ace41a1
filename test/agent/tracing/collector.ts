// A trace collector for tests: takes OTLP over HTTP or gRPC, and reads as much of its protobuf as tests look at.

import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2, type Http2Server } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TakenSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string | number | boolean>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

export interface Collector {
  /** As the setting wants it: host:port. */
  readonly endpoint: string;
  readonly spans: TakenSpan[];
  /** Paths of the requests so far. */
  readonly paths: string[];
}

export async function startHttpCollector(): Promise<Collector> {
  const [spans, paths]: [TakenSpan[], string[]] = [[], []];
  const server = createHttp(async (request, response) => {
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(chunk);
    paths.push(request.url ?? '');
    spans.push(...readRequest(Buffer.concat(body)));
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  const port = await listening(server);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { endpoint: `127.0.0.1:${port}`, spans, paths };
}

const GRPC_PREFIX_BYTES = 5;

export async function startGrpcCollector(): Promise<Collector> {
  const [spans, paths]: [TakenSpan[], string[]] = [[], []];
  const server = createHttp2();
  server.on('session', (session) => onTestFinished(() => session.destroy()));
  server.on('stream', async (stream, headers) => {
    const body: Buffer[] = [];
    for await (const chunk of stream) body.push(chunk);
    paths.push(String(headers[':path']));
    spans.push(...readRequest(Buffer.concat(body).subarray(GRPC_PREFIX_BYTES)));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    // An empty message.
    stream.end(Buffer.alloc(GRPC_PREFIX_BYTES));
  });
  const port = await listening(server);
  onTestFinished(() => void server.close());
  return { endpoint: `127.0.0.1:${port}`, spans, paths };
}

async function listening(server: ReturnType<typeof createHttp> | Http2Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** opentelemetry/proto/trace/v1/trace.proto: the numbers are its fields'. */
const readRequest = (bytes: Buffer): TakenSpan[] =>
  all(bytes, 1)
    .flatMap((resourceSpans) => all(resourceSpans, 2))
    .flatMap((scopeSpans) => all(scopeSpans, 2))
    .map((span) => ({
      traceId: hex(span, 1),
      spanId: hex(span, 2),
      parentSpanId: hex(span, 4),
      name: one(span, 5).toString(),
      attributes: new Map(all(span, 9).map((it) => [one(it, 1).toString(), anyValueOf(one(it, 2))])),
      links: all(span, 13).map((link) => ({ traceId: hex(link, 1), spanId: hex(link, 2) })),
    }));

type Field = readonly [number: number, value: Buffer | number];

/** The fields of a message; numbers where they are numbers. */
function fields(bytes: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes.readUInt8(at++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.byteLength) {
    const tag = varint();
    const wireType = tag & 7;
    if (wireType === 0) found.push([tag >> 3, varint()]);
    else found.push([tag >> 3, take(wireType === 1 ? 8 : wireType === 5 ? 4 : varint())]);
  }
  return found;
}

const all = (bytes: Buffer, number: number): Buffer[] =>
  fields(bytes).flatMap(([field, value]) => (field === number && typeof value !== 'number' ? value : []));
const one = (bytes: Buffer, number: number): Buffer => all(bytes, number)[0] ?? Buffer.alloc(0);
const hex = (bytes: Buffer, number: number): string => one(bytes, number).toString('hex');

function anyValueOf(anyValue: Buffer): string | number | boolean {
  const [[field, value] = [0, 0]] = fields(anyValue);
  if (typeof value !== 'number') return field === 4 ? value.readDoubleLE() : value.toString();
  return field === 2 ? value === 1 : value;
}
