// Optimizely's CDN and its origin for one machine: datafiles under both addresses, with ETags and the CDN's habit of
// being late, and counters of what was fetched. Takes SDK events too. Does not look into what it stores.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../../core/clock.ts';
import { sleep } from '../../../core/clock.ts';
import { answer, answerJson, type HttpHandler, pathOf, readBody } from '../tools/http.ts';
import { CdnCounters } from './cdn-counters.ts';
import { CdnFaults, type CdnSite } from './cdn-faults.ts';
import { CdnFiles, type CdnRevision } from './cdn-files.ts';

/** More than any reader here accepts, so that their limits can be tried. */
const UPLOAD_BYTES_MAX = 64 * 1024 * 1024;
const EVENT_BYTES_MAX = 4 * 1024 * 1024;
/** Bearer token that `/datafiles/auth/` asks for. */
export const LOCAL_ACCESS_TOKEN = 'local-datafile-access-token';

const DATAFILE_PATH = /^(\/origin)?\/datafiles\/(auth\/)?([^/]+)\.json$/;
const CURRENT_PATH = /^\/current\/([^/]+)\.json$/;

export interface CdnOptions {
  readonly clock: Clock;
  /** Where datafiles outlive the process. */
  readonly dir?: string | undefined;
}

/**
 * `PUT /datafiles/<sdkKey>.json` stores (header `x-last-modified` sets its date), GET there, under `/datafiles/auth/` and
 * under `/origin/` serves. `GET /current/<sdkKey>.json` is for tools: never late, never counted. `GET|DELETE /stats`;
 * `PUT /knobs` with `{"cdn"|"origin": {"delayMs", "status", "stale": true | requests}}`; `POST /events` counts.
 */
export function createCdnStandIn({ clock, dir }: CdnOptions): HttpHandler {
  const shelves = new CdnFiles(dir);
  const counters = new CdnCounters();
  const knobs = new CdnFaults();

  const serveDatafile = async (
    request: IncomingMessage,
    response: ServerResponse,
    match: RegExpExecArray,
  ) => {
    const [, origin, auth, name = ''] = match;
    const sdkKey = decodeURIComponent(name);
    if (request.method === 'PUT') {
      const body = await readBody(request, UPLOAD_BYTES_MAX);
      const stated = request.headers['x-last-modified'];
      shelves.put(sdkKey, body, typeof stated === 'string' ? stated : new Date(clock.nowMs()).toUTCString());
      return answer(response, 204);
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405);
    const site: CdnSite = origin === undefined ? 'cdn' : 'origin';
    const { delayMs, status, isStale } = knobs.next(site);
    if (delayMs > 0) await sleep(clock, delayMs);
    if (status !== null) {
      counters.count(sdkKey, 'failed');
      return answer(response, status);
    }
    const shelf = shelves.get(sdkKey);
    const isAllowed = auth === undefined || request.headers.authorization === `Bearer ${LOCAL_ACCESS_TOKEN}`;
    if (shelf === undefined || !isAllowed) {
      counters.count(sdkKey, 'denied');
      return answer(
        response,
        403,
        { 'content-type': 'application/xml' },
        '<Error><Code>AccessDenied</Code></Error>',
      );
    }
    const revision = (isStale ? shelf.previous : undefined) ?? shelf.current;
    const headers = {
      etag: revision.etag,
      'last-modified': revision.lastModified,
      'cache-control': 'max-age=120',
    };
    if (isCurrent(request, revision)) {
      counters.count(sdkKey, 'notModified');
      return answer(response, 304, headers);
    }
    counters.count(sdkKey, 'fetches');
    const length = { 'content-type': 'application/json', 'content-length': String(revision.body.byteLength) };
    answer(response, 200, { ...headers, ...length }, request.method === 'HEAD' ? '' : revision.body);
  };

  return async (request, response) => {
    const path = pathOf(request);
    const datafile = DATAFILE_PATH.exec(path);
    if (datafile !== null) return serveDatafile(request, response, datafile);
    const current = CURRENT_PATH.exec(path);
    if (current !== null && request.method === 'GET') {
      const shelf = shelves.get(decodeURIComponent(current[1] ?? ''));
      return shelf === undefined
        ? answer(response, 404)
        : answer(response, 200, { 'content-type': 'application/json' }, shelf.current.body);
    }
    switch (`${request.method} ${path}`) {
      case 'GET /stats':
        return answerJson(response, 200, counters.toJson());
      case 'DELETE /stats':
        counters.reset();
        return answer(response, 204);
      case 'PUT /knobs':
        knobs.set(JSON.parse((await readBody(request, 10_000)).toString()));
        return answer(response, 204);
      case 'POST /events':
        await readBody(request, EVENT_BYTES_MAX);
        counters.countEvents();
        return answer(response, 204);
      default:
        return answer(response, 404);
    }
  };
}

/** If-None-Match decides alone when it is there (RFC 9110, 13.2.2). */
function isCurrent(request: IncomingMessage, revision: CdnRevision): boolean {
  const { 'if-none-match': ifNoneMatch, 'if-modified-since': ifModifiedSince } = request.headers;
  if (ifNoneMatch !== undefined)
    return ifNoneMatch.split(',').some((etag) => etag.trim().replace(/^W\//, '') === revision.etag);
  if (ifModifiedSince === undefined) return false;
  return Date.parse(revision.lastModified) <= Date.parse(ifModifiedSince);
}
