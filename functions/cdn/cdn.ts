// Fetches datafiles from Optimizely: from the configured URL templates and from where those redirect to, never from a URL
// that somebody sent.
// Knows HTTP and its limits; whether what came is a good datafile is decided elsewhere.

import { DATAFILE_BYTES_MAX } from '../../core/datafile/datafile.ts';
import { FanoutError, isFanoutError } from '../../core/errors.ts';
import { etagOf, lastModifiedOf } from '../../core/http/etag.ts';
import { readWithin } from '../../core/http/read-within.ts';
import { basicAuthorization, type Credentials, takeUserInfo } from '../../core/http/user-info.ts';
import type { DatafileSource } from '../../core/projects.ts';
import type { CdnValidators } from '../../core/record/manifest.ts';
import { encodeSdkKey } from '../../core/record/names.ts';
import { getFollowing } from '../../io/get-following.ts';
import type { Cdn, CdnAnswer, Via } from '../ports.ts';

/** `%s` stands for the SDK key. Credentials in one are sent as Basic authorization. */
export interface UrlTemplates {
  readonly cdn: string;
  readonly origin: string;
  /** Secure environments; the only one that is ever sent an access token. */
  readonly auth: string;
}

/** An unknown key answers 403 or 404; a wrong access token 401 or 403. */
const DENIED = new Set([401, 403, 404, 410]);

export function createCdn(templates: UrlTemplates, bytesMax: number = DATAFILE_BYTES_MAX): Cdn {
  return {
    viasOf: (source) => (source.accessToken === undefined ? ['cdn', 'origin'] : ['auth']),
    fetch: async (source, via, validators, timeoutMs) => {
      const { url: template, credentials } = takeUserInfo(templates[via]);
      const url = template.replace('%s', () => encodeSdkKey(source.sdkKey));
      try {
        const response = await getFollowing(url, {
          headers: requestHeaders(source, via, validators, credentials),
          signal: AbortSignal.timeout(Math.max(1, timeoutMs)),
        });
        return await readAnswer(response, source, via, bytesMax);
      } catch (error) {
        if (isFanoutError(error, 'REDIRECT_REFUSED')) throw failed(source, via, 'leads astray', error);
        throw isFanoutError(error) ? error : failed(source, via, 'did not answer', error);
      }
    },
  };
}

function requestHeaders(
  source: DatafileSource,
  via: Via,
  validators: CdnValidators | null,
  credentials: Credentials | null,
) {
  const headers: Record<string, string> = {};
  if (credentials !== null) headers.authorization = basicAuthorization(credentials);
  if (via === 'auth' && source.accessToken !== undefined)
    headers.authorization = `Bearer ${source.accessToken}`;
  if (validators?.etag) headers['if-none-match'] = validators.etag;
  else if (validators?.lastModifiedMs)
    headers['if-modified-since'] = new Date(validators.lastModifiedMs).toUTCString();
  return headers;
}

async function readAnswer(
  response: Response,
  source: DatafileSource,
  via: Via,
  bytesMax: number,
): Promise<CdnAnswer> {
  if (response.status === 200) {
    const body = await readWithin(response.body, bytesMax, () => tooLarge(source, bytesMax));
    return { kind: 'body', body, validators: validatorsOf(response.headers) };
  }
  // An unread body would keep its connection from being used again.
  await response.body?.cancel();
  if (response.status === 304) return { kind: 'unchanged' };
  if (DENIED.has(response.status)) throw denied(source, via, response.status);
  throw failed(source, via, `answered ${response.status}`);
}

function validatorsOf(headers: Headers): CdnValidators {
  const lastModifiedMs = Date.parse(lastModifiedOf(headers.get('last-modified'), headers.get('date')) ?? '');
  return {
    etag: etagOf(headers.get('etag')),
    lastModifiedMs: Number.isNaN(lastModifiedMs) ? null : lastModifiedMs,
  };
}

const denied = ({ sdkKey }: DatafileSource, via: Via, status: number) =>
  new FanoutError({
    code: 'CDN_DENIED',
    message: `Optimizely's ${via} URL answered ${status} for ${sdkKey}`,
    remedy:
      'Check that the SDK key exists and, for a secure environment, that its accessToken is configured and valid.',
    retryable: true,
    fields: { sdkKey, via, status },
  });

const failed = ({ sdkKey }: DatafileSource, via: Via, what: string, cause?: unknown) =>
  new FanoutError({
    code: 'CDN_FAILED',
    message: `Optimizely's ${via} URL ${what} for ${sdkKey}`,
    remedy: 'Nothing to do when it passes; else check the URL templates and the way out to the internet.',
    retryable: true,
    fields: { sdkKey, via },
    cause,
  });

const tooLarge = ({ sdkKey }: DatafileSource, bytesMax: number) =>
  new FanoutError({
    code: 'DATAFILE_TOO_LARGE',
    message: `The datafile of ${sdkKey} has more than ${bytesMax} bytes; reading stopped there`,
    remedy: 'Archive unused flags and experiments in the project, or raise DATAFILE_BYTES_MAX.',
    retryable: false,
    fields: { sdkKey, bytesMax },
  });
