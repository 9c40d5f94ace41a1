// A datafile over HTTP, from Optimizely or a mirror: from the configured URL templates and from where those redirect to, never
// from a URL that a caller sent. Knows HTTP and its limits, not what a good datafile is.

import { DATAFILE_BYTES_MAX } from '../../core/datafile/datafile.ts';
import { etagOf, lastModifiedOf } from '../../core/http/etag.ts';
import { readWithin } from '../../core/http/read-within.ts';
import { basicAuthorization, takeUserInfo } from '../../core/http/user-info.ts';
import type { SdkKey } from '../../core/ids.ts';
import { encodeSdkKey } from '../../core/record/names.ts';
import { getFollowing } from './get-following.ts';

export interface DatafileRequest {
  /** `%s` stands for the SDK key. Credentials in it are sent as Basic authorization where there is no token. */
  readonly template: string;
  readonly sdkKey: SdkKey;
  /** Datafile access token of a secure environment. */
  readonly token: string | null;
  /** Headers that ask for a datafile only when it has changed. */
  readonly conditions: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Instead of the global one. */
  readonly get?: typeof fetch | undefined;
}

/** `ok`: the body is still to be read, or to be cancelled, as it holds a connection. */
export type DatafileAnswer =
  | { readonly kind: 'ok'; readonly response: Response }
  | { readonly kind: 'unchanged' }
  /** `denied`: an SDK key that is not known, or a token that is not good. */
  | { readonly kind: 'denied'; readonly status: number; readonly statusText: string }
  | { readonly kind: 'failed'; readonly status: number; readonly statusText: string };

/** An unknown key answers 403 or 404; a wrong access token 401 or 403. */
const DENIALS: ReadonlySet<number> = new Set([401, 403, 404, 410]);

/** @throws FanoutError REDIRECT_REFUSED, and what fetch() throws where there is no answer */
export async function askForDatafile(request: DatafileRequest): Promise<DatafileAnswer> {
  const { sdkKey, token, conditions, timeoutMs, get } = request;
  const { url, credentials } = takeUserInfo(request.template);
  const headers: Record<string, string> = { ...conditions };
  if (token !== null) headers.authorization = `Bearer ${token}`;
  else if (credentials !== null) headers.authorization = basicAuthorization(credentials);
  const signal = AbortSignal.timeout(Math.max(1, timeoutMs));
  const response = await getFollowing(
    url.replaceAll('%s', () => encodeSdkKey(sdkKey)),
    { headers, signal, get },
  );
  if (response.status === 200) return { kind: 'ok', response };
  // An unread body would keep its connection from being used again.
  await response.body?.cancel();
  const { status, statusText } = response;
  if (status === 304) return { kind: 'unchanged' };
  return { kind: DENIALS.has(status) ? 'denied' : 'failed', status, statusText };
}

/** @param tooLarge makes the error that is thrown as soon as more than `bytesMax` have come */
export const readDatafileBody = (
  { body }: Response,
  tooLarge: (bytesMax: number) => Error,
  bytesMax = DATAFILE_BYTES_MAX,
): Promise<Uint8Array> => readWithin(body, bytesMax, () => tooLarge(bytesMax));

/** A server's validators of the version that it served, as far as they can be believed and sent back. */
export interface Validators {
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** The same in milliseconds since the epoch. */
  readonly lastModifiedMs: number | null;
}

export function validatorsOf({ headers }: Response): Validators {
  const lastModified = lastModifiedOf(headers.get('last-modified'), headers.get('date'));
  return {
    etag: etagOf(headers.get('etag')),
    lastModified,
    lastModifiedMs: lastModified === null ? null : Date.parse(lastModified),
  };
}
