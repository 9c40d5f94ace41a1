// Fetches datafiles from Optimizely for publishers: which address is asked, and what its answer means. Whether what came is a
// good datafile is decided elsewhere.

import { DATAFILE_BYTES_MAX } from '../../core/datafile/datafile.ts';
import { FanoutError, isFanoutError } from '../../core/errors.ts';
import type { DatafileSource } from '../../core/projects.ts';
import type { CdnValidators } from '../../core/record/manifest.ts';
import {
  askForDatafile,
  type DatafileAnswer,
  readDatafileBody,
  validatorsOf,
} from '../../io/http/datafile-http.ts';
import type { Cdn, CdnAnswer, Via } from '../ports.ts';

/** `%s` stands for the SDK key. Credentials in one are sent as Basic authorization. */
export interface UrlTemplates {
  readonly cdn: string;
  readonly origin: string;
  /** Secure environments; the only one that is ever sent an access token. */
  readonly auth: string;
}

export function createCdn(templates: UrlTemplates, bytesMax: number = DATAFILE_BYTES_MAX): Cdn {
  return {
    viasOf: (source) => (source.accessToken === undefined ? ['cdn', 'origin'] : ['auth']),
    fetch: async (source, via, validators, timeoutMs) => {
      try {
        const answer = await askForDatafile({
          template: templates[via],
          sdkKey: source.sdkKey,
          token: via === 'auth' ? (source.accessToken ?? null) : null,
          conditions: conditionsOf(validators),
          timeoutMs,
        });
        return await readAnswer(answer, source, via, bytesMax);
      } catch (error) {
        if (isFanoutError(error, 'REDIRECT_REFUSED')) throw failed(source, via, 'leads astray', error);
        throw isFanoutError(error) ? error : failed(source, via, 'did not answer', error);
      }
    },
  };
}

function conditionsOf(validators: CdnValidators | null): Record<string, string> {
  if (validators?.etag) return { 'if-none-match': validators.etag };
  if (!validators?.lastModifiedMs) return {};
  return { 'if-modified-since': new Date(validators.lastModifiedMs).toUTCString() };
}

async function readAnswer(
  answer: DatafileAnswer,
  source: DatafileSource,
  via: Via,
  bytesMax: number,
): Promise<CdnAnswer> {
  if (answer.kind === 'unchanged') return answer;
  if (answer.kind === 'denied') throw denied(source, via, answer.status);
  if (answer.kind === 'failed') throw failed(source, via, `answered ${answer.status}`);
  const body = await readDatafileBody(answer.response, () => tooLarge(source, bytesMax), bytesMax);
  const { etag, lastModifiedMs } = validatorsOf(answer.response);
  return { kind: 'body', body, validators: { etag, lastModifiedMs } };
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
