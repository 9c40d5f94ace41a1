// Failures of Optimizely's API, each with a remedy. A token never gets into a message, even if the API repeats it.

import { FanoutError } from '../../core/errors.ts';
import type { Answer } from './http.ts';

export const API_URL = 'https://api.optimizely.com/v2';

export const tokenMissing = () =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: 'OPTIMIZELY_API_TOKEN is not set',
    remedy:
      'Make a personal access token in app.optimizely.com (Profile → API Access) and put it into that variable.',
    retryable: false,
  });

export const addressUnsafe = () =>
  new FanoutError({
    code: 'CONFIG_INVALID',
    message: 'OPTIMIZELY_API_URL is not an https URL (plain http on this machine only)',
    remedy: `Leave it out for ${API_URL}.`,
    retryable: false,
  });

export const nextPageElsewhere = (from: URL, next: URL) =>
  new FanoutError({
    code: 'REMOTE_REFUSED',
    message: `The next page of ${from.pathname} is said to be on ${next.host}, where the token does not belong`,
    remedy: 'Check OPTIMIZELY_API_URL, and what is between here and the API.',
    retryable: false,
  });

export const unreadable = (url: URL, cause?: unknown) =>
  new FanoutError({
    code: 'REMOTE_UNAVAILABLE',
    message: `The answer of ${url.host}${url.pathname} is not what Optimizely's API gives`,
    remedy: 'Check OPTIMIZELY_API_URL, and whether a proxy answers in its place.',
    retryable: true,
    cause,
  });

export function refused(
  method: string,
  url: URL,
  { status, text: body }: Answer,
  token: string,
): FanoutError {
  const said = saidIn(body).replaceAll(token, '…');
  const fields = { host: url.host, path: url.pathname, method, status };
  const message = `${url.host} answered ${status} to ${method} ${url.pathname}${said === '' ? '' : `: ${said}`}`;
  const retryable = status >= 500;
  const code = retryable ? 'REMOTE_UNAVAILABLE' : 'REMOTE_REFUSED';
  return new FanoutError({
    code,
    message,
    remedy: REMEDIES[status] ?? otherRemedy(status),
    retryable,
    fields,
  });
}

const REMEDIES: Readonly<Record<number, string>> = {
  400: 'Compare the project id and the URL with those in the app; the id is a number.',
  401: 'The token is wrong, revoked or of another account: make a new one in the app (Profile → API Access).',
  403: "The token's owner may not do this in this project: ask for the Administrator or Project Owner role.",
  404: 'There is no such project or webhook in this account; `fanout webhook list` shows what there is.',
};

const otherRemedy = (status: number): string =>
  status >= 500
    ? "Try again; if it stays, look at Optimizely's status page."
    : 'Compare the request with the API reference at docs.developers.optimizely.com.';

const SAID_CHARACTERS_MAX = 200;

/** Errors are `{message, code, uuid}`; a proxy's page is not worth showing. */
function saidIn(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown };
    return typeof message === 'string' ? message.slice(0, SAID_CHARACTERS_MAX) : '';
  } catch {
    return ''; // Not JSON: the status says it.
  }
}
