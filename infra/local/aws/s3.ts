// An S3 for one machine, for `npm run up` and the tests: the calls this project makes, answered as S3 documents
// them, held to the same contract suite as any other S3 (test/contract). Not a store for anything that matters.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../core/clock.ts';
import { answer, BodyTooLargeError, type HttpHandler, pathOf, queryOf, readBody } from '../tools/http.ts';
import { BadUploadError, readUpload } from './s3-body.ts';
import { listPage, listPageXml, parseListQuery } from './s3-list.ts';
import { ObjectStore, type StoredObject, unquoted, type WriteOutcome } from './s3-objects.ts';
import { type XmlValue, xmlDocument } from './xml.ts';

const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
/** Far above any datafile; S3's own limit for one PUT is 5 GB. */
export const UPLOAD_BYTES_MAX = 64 * 1024 * 1024;
const KEPT_HEADERS = /^(content-type|cache-control|content-disposition|content-language|x-amz-meta-.+)$/;

export interface S3StandInOptions {
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Where objects outlive the process; without it they are gone with it. */
  readonly dir?: string | undefined;
}

interface Target {
  readonly bucket: string;
  readonly key: string;
}

/** An HTTP handler for path-style S3 requests (`/<bucket>/<key>`). */
export function createS3StandIn(options: S3StandInOptions): HttpHandler {
  const store = new ObjectStore(options.dir);
  return async (request, response) => {
    const target = targetOf(pathOf(request));
    if (target.bucket === '')
      return answerError(response, 501, 'NotImplemented', 'Only path-style requests.');
    if (target.key === '') return answerBucket(store, request, response, target.bucket);
    if (!store.hasBucket(target.bucket)) return answerNoBucket(response, request);
    switch (request.method) {
      case 'PUT':
        return putObject(store, options.clock, request, response, target);
      case 'GET':
      case 'HEAD':
        return getObject(store, request, response, target);
      case 'DELETE':
        store.delete(target.bucket, target.key);
        return answer(response, 204);
      default:
        return answerError(
          response,
          501,
          'NotImplemented',
          `${request.method} of an object is not part of the stand-in.`,
        );
    }
  };
}

function answerBucket(
  store: ObjectStore,
  request: IncomingMessage,
  response: ServerResponse,
  bucket: string,
) {
  const query = queryOf(request);
  if (request.method === 'PUT' && query.size === 0) {
    // us-east-1 answers 200 to a repeated CreateBucket of one's own.
    store.createBucket(bucket);
    return answer(response, 200, { location: `/${bucket}` });
  }
  if (!store.hasBucket(bucket)) return answerNoBucket(response, request);
  if (request.method === 'HEAD') return answer(response, 200, { 'x-amz-bucket-region': 'us-east-1' });
  if (request.method === 'GET' && query.get('list-type') === '2') {
    const list = parseListQuery(query);
    return answerXml(
      response,
      200,
      'ListBucketResult',
      listPageXml(bucket, list, listPage(store.sorted(bucket), list)),
    );
  }
  return answerError(response, 501, 'NotImplemented', 'This bucket operation is not part of the stand-in.');
}

async function putObject(
  store: ObjectStore,
  clock: Pick<Clock, 'nowMs'>,
  request: IncomingMessage,
  response: ServerResponse,
  { bucket, key }: Target,
): Promise<void> {
  const { headers } = request;
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') {
    return answerError(
      response,
      501,
      'NotImplemented',
      'A header you provided implies functionality that is not implemented.',
    );
  }
  if (headers['x-amz-copy-source'] !== undefined)
    return answerError(response, 501, 'NotImplemented', 'CopyObject is not part of the stand-in.');
  const write = store.beginWrite(bucket, key, { ifMatch: headers['if-match'], ifNoneMatch });
  try {
    const { body, crc32 } = readUpload(await readBody(request, UPLOAD_BYTES_MAX), {
      contentSha256: oneOf(headers['x-amz-content-sha256']),
      contentEncoding: headers['content-encoding'],
      crc32: oneOf(headers['x-amz-checksum-crc32']),
    });
    const kept = {
      ...keptHeaders(request),
      ...(crc32 === undefined ? {} : { 'x-amz-checksum-crc32': crc32 }),
    };
    const outcome = store.finishWrite(write, { body, lastModifiedMs: clock.nowMs(), headers: kept });
    answerWrite(response, outcome, store.get(bucket, key));
  } catch (error) {
    if (error instanceof BadUploadError) return answerError(response, 400, 'BadDigest', error.message);
    if (error instanceof BodyTooLargeError)
      return answerError(response, 400, 'EntityTooLarge', error.message);
    throw error;
  }
}

function answerWrite(response: ServerResponse, outcome: WriteOutcome, stored: StoredObject | undefined) {
  switch (outcome) {
    case 'stored':
      return answer(response, 200, { etag: stored?.etag ?? '' });
    case 'failed':
      return answerError(
        response,
        412,
        'PreconditionFailed',
        'At least one of the pre-conditions you specified did not hold',
      );
    case 'conflict':
      return answerError(
        response,
        409,
        'ConditionalRequestConflict',
        'A conflicting conditional operation occurred during the upload.',
      );
    case 'missing':
      return answerError(response, 404, 'NoSuchKey', 'The specified key does not exist.');
  }
}

function getObject(store: ObjectStore, request: IncomingMessage, response: ServerResponse, target: Target) {
  const object = store.get(target.bucket, target.key);
  const isHead = request.method === 'HEAD';
  if (object === undefined) {
    if (isHead) return answer(response, 404);
    return answerError(response, 404, 'NoSuchKey', 'The specified key does not exist.');
  }
  const headers = { etag: object.etag, 'last-modified': new Date(object.lastModifiedMs).toUTCString() };
  const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers;
  if (ifMatch !== undefined && !matches(ifMatch, object)) {
    return answerError(
      response,
      412,
      'PreconditionFailed',
      'At least one of the pre-conditions you specified did not hold',
    );
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, object)) return answer(response, 304, headers);
  const length = { 'content-length': String(object.body.byteLength) };
  const { 'x-amz-checksum-crc32': crc32, ...kept } = object.headers;
  // S3 gives the checksum back only when asked; the SDK then verifies the body with it.
  const asked = request.headers['x-amz-checksum-mode'] === 'ENABLED' && crc32 !== undefined;
  const checksum = asked ? { 'x-amz-checksum-crc32': crc32, 'x-amz-checksum-type': 'FULL_OBJECT' } : {};
  answer(response, 200, { ...kept, ...headers, ...length, ...checksum }, isHead ? '' : object.body);
}

const matches = (condition: string, object: StoredObject): boolean =>
  condition === '*' || condition.split(',').some((etag) => unquoted(etag.trim()) === unquoted(object.etag));

const oneOf = (header: string | string[] | undefined): string | undefined =>
  Array.isArray(header) ? header[0] : header;

function keptHeaders(request: IncomingMessage): Record<string, string> {
  const kept = Object.entries(request.headers).filter(
    ([name, value]) => KEPT_HEADERS.test(name) && typeof value === 'string',
  );
  // `aws-chunked` describes the upload, not the object.
  const encoding = request.headers['content-encoding']?.replace(/aws-chunked,?\s*/, '');
  return {
    ...(Object.fromEntries(kept) as Record<string, string>),
    ...(encoding ? { 'content-encoding': encoding } : {}),
  };
}

function targetOf(path: string): Target {
  const [, bucket = '', ...rest] = path.split('/');
  return { bucket, key: decodeURIComponent(rest.join('/')) };
}

function answerNoBucket(response: ServerResponse, request: IncomingMessage) {
  if (request.method === 'HEAD') return answer(response, 404);
  answerError(response, 404, 'NoSuchBucket', 'The specified bucket does not exist');
}

function answerError(response: ServerResponse, status: number, code: string, message: string) {
  answerXml(response, status, 'Error', { Code: code, Message: message, RequestId: 'LOCAL' });
}

function answerXml(response: ServerResponse, status: number, root: string, value: XmlValue): void {
  const body =
    root === 'Error'
      ? xmlDocument(root, '', value).replace(' xmlns=""', '')
      : xmlDocument(root, NAMESPACE, value);
  answer(response, status, { 'content-type': 'application/xml' }, body);
}
