// Plain HTTP to API Gateway's HTTP API event (payload 2.0) and back: docs.aws.amazon.com › API Gateway › Working with
// AWS Lambda proxy integrations for HTTP APIs.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import { answer, pathOf, queryOf } from '../tools/http.ts';

/** What the event needs besides the request. */
export interface EventStamp {
  readonly requestId: string;
  readonly nowMs: number;
}

export function httpApiEvent(
  request: IncomingMessage,
  body: Buffer,
  stamp: EventStamp,
): APIGatewayProxyEventV2 {
  const path = pathOf(request);
  const method = request.method ?? 'GET';
  const query = queryOf(request);
  const headers = flatHeaders(request);
  const isText = body.byteLength > 0 && isTextType(headers['content-type']) && isUtf8(body);
  return {
    version: '2.0',
    routeKey: '$default',
    rawPath: decodeURI(path),
    rawQueryString: query.toString(),
    headers,
    ...(query.size > 0 && { queryStringParameters: Object.fromEntries(query) }),
    requestContext: {
      accountId: '000000000000',
      apiId: 'local',
      domainName: headers.host ?? 'localhost',
      domainPrefix: 'local',
      http: {
        method,
        path,
        protocol: `HTTP/${request.httpVersion}`,
        sourceIp: request.socket.remoteAddress ?? '127.0.0.1',
        userAgent: headers['user-agent'] ?? '',
      },
      requestId: stamp.requestId,
      routeKey: '$default',
      stage: '$default',
      time: new Date(stamp.nowMs).toUTCString(),
      timeEpoch: stamp.nowMs,
    },
    ...(body.byteLength > 0 && { body: body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: body.byteLength > 0 && !isText,
  };
}

interface StructuredResult {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

/** A result without `statusCode` is a 200 with the result as JSON, as payload 2.0 has it. */
export function answerWithResult(response: ServerResponse, result: unknown): void {
  if (!isStructured(result)) {
    answer(response, 200, { 'content-type': 'application/json' }, JSON.stringify(result ?? null));
    return;
  }
  const headers = Object.entries(result.headers ?? {}).map(([name, value]) => [
    name.toLowerCase(),
    String(value),
  ]);
  const body = Buffer.from(result.body ?? '', result.isBase64Encoded === true ? 'base64' : 'utf8');
  answer(response, result.statusCode, Object.fromEntries(headers), body);
}

const isStructured = (result: unknown): result is StructuredResult =>
  typeof result === 'object' &&
  result !== null &&
  typeof (result as StructuredResult).statusCode === 'number';

/** Lower-case names, repeated headers joined with commas. */
function flatHeaders(request: IncomingMessage): Record<string, string> {
  const entries = Object.entries(request.headers).map(([name, value]) => [
    name,
    Array.isArray(value) ? value.join(',') : value,
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}

const isTextType = (contentType: string | undefined): boolean =>
  /^(text\/|application\/(json|javascript|xml|[\w.-]+\+(json|xml))\b)/i.test(contentType ?? '');

const isUtf8 = (body: Buffer): boolean => Buffer.compare(Buffer.from(body.toString('utf8')), body) === 0;
