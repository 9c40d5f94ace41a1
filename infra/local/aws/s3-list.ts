// One page of ListObjectsV2: prefix, delimiter, start-after, continuation. Pure; knows no HTTP.

import type { StoredObject } from './s3-objects.ts';
import type { XmlValue } from './xml.ts';

/** S3's own limit of a page. */
export const KEYS_PER_PAGE_MAX = 1000;

export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly startAfter: string;
  readonly continuationToken: string | null;
  readonly keysMax: number;
}

export interface ListPage {
  readonly objects: readonly StoredObject[];
  readonly commonPrefixes: readonly string[];
  readonly nextToken: string | undefined;
}

export function parseListQuery(query: URLSearchParams): ListQuery {
  const keysMax = Number(query.get('max-keys') ?? KEYS_PER_PAGE_MAX);
  return {
    prefix: query.get('prefix') ?? '',
    delimiter: query.get('delimiter') ?? '',
    startAfter: query.get('start-after') ?? '',
    continuationToken: query.get('continuation-token'),
    keysMax: Number.isFinite(keysMax) ? Math.min(Math.max(keysMax, 0), KEYS_PER_PAGE_MAX) : KEYS_PER_PAGE_MAX,
  };
}

/** `sorted` must be in key order. A common prefix counts as one key, as in S3. */
export function listPage(sorted: readonly StoredObject[], query: ListQuery): ListPage {
  const after = query.continuationToken === null ? query.startAfter : fromToken(query.continuationToken);
  const objects: StoredObject[] = [];
  const commonPrefixes = new Set<string>();
  let last = after;
  for (const object of sorted) {
    if (!object.key.startsWith(query.prefix) || !isAfter(object.key, after)) continue;
    const group = groupOf(object.key, query);
    // Seen on this page, or the page before ended with it.
    if (group !== undefined && (commonPrefixes.has(group) || group === after)) continue;
    if (objects.length + commonPrefixes.size >= query.keysMax) {
      return { objects, commonPrefixes: [...commonPrefixes], nextToken: toToken(last) };
    }
    if (group === undefined) objects.push(object);
    else commonPrefixes.add(group);
    last = group ?? object.key;
  }
  return { objects, commonPrefixes: [...commonPrefixes], nextToken: undefined };
}

export function listPageXml(bucket: string, query: ListQuery, page: ListPage): XmlValue {
  return {
    Name: bucket,
    Prefix: query.prefix,
    Delimiter: query.delimiter || undefined,
    MaxKeys: query.keysMax,
    KeyCount: page.objects.length + page.commonPrefixes.length,
    IsTruncated: page.nextToken !== undefined,
    NextContinuationToken: page.nextToken,
    Contents: page.objects.map((object) => ({
      Key: object.key,
      LastModified: new Date(object.lastModifiedMs).toISOString(),
      ETag: object.etag,
      Size: object.body.byteLength,
      StorageClass: 'STANDARD',
    })),
    CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: prefix })),
  };
}

function groupOf(key: string, { prefix, delimiter }: ListQuery): string | undefined {
  if (delimiter === '') return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end === -1 ? undefined : key.slice(0, end + delimiter.length);
}

const isAfter = (key: string, after: string): boolean =>
  Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0;
const toToken = (key: string): string => Buffer.from(key).toString('base64url');
const fromToken = (token: string): string => Buffer.from(token, 'base64url').toString();
