// Requests to the HTTP APIs of others: with a deadline, a bound on the answer, and a wait where a rate limit asks for one.
// Failures become errors with a remedy. Never shows a token: requests are named by method, host and path only.

import { FanoutError, messageOf } from '../../core/errors.ts';
import { pause, type Shell } from './shell.ts';

/** A tired operator waits this long before wondering. */
export const TIMEOUT_MS = 15_000;
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;
const RATE_LIMIT_RETRIES_MAX = 4;
/** Where a 429 names no time, the wait is this long, doubled each time. */
const RATE_LIMIT_WAIT_MS = 2_000;
/** Where a rate limit asks for a longer wait, the command ends and says so. */
const RATE_LIMIT_WAIT_MAX_MS = 60_000;

export interface Question {
  readonly method: string;
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Told before each wait that a rate limit asks for. */
  readonly onWait?: (line: string) => void;
  /** Answers 429 as they are, without waiting. */
  readonly impatient?: boolean;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly elapsedMs: number;
}

/** @returns the answer, of any status. @throws FanoutError REMOTE_UNAVAILABLE: none in time, or a rate limit for too long */
export async function ask(shell: Shell, question: Question): Promise<Answer> {
  for (let tries = 0; ; tries += 1) {
    const answer = await askOnce(shell, question);
    if (answer.status !== 429 || question.impatient === true) return answer;
    const waitMs = retryAfterMs(answer.headers, shell.clock.nowMs()) ?? RATE_LIMIT_WAIT_MS * 2 ** tries;
    if (tries === RATE_LIMIT_RETRIES_MAX || waitMs > RATE_LIMIT_WAIT_MAX_MS) throw limited(question, waitMs);
    question.onWait?.(
      `${question.url.host} limits the rate of requests; trying again in ${Math.ceil(waitMs / 1000)} s …`,
    );
    await pause(shell, waitMs);
  }
}

async function askOnce(shell: Shell, { method, url, headers, body }: Question): Promise<Answer> {
  const startedAtMs = shell.clock.nowMs();
  const deadline = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const response = await shell.fetch(url, {
      method,
      // A redirect could carry a token or a signature to another host.
      redirect: 'manual',
      signal: AbortSignal.any([deadline, shell.interrupted]),
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    });
    const text = await textOf(response);
    return {
      status: response.status,
      headers: response.headers,
      text,
      elapsedMs: shell.clock.nowMs() - startedAtMs,
    };
  } catch (cause) {
    throw unreachable(
      url,
      deadline.aborted ? `no answer within ${TIMEOUT_MS / 1000} s` : reasonOf(cause),
      cause,
    );
  }
}

async function textOf(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error(`the answer is longer than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `Retry-After` in seconds or as a date; null when there is none that can be read. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000;
  const atMs = value === '' ? Number.NaN : Date.parse(value);
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}

/** fetch() says "fetch failed"; why is in its cause, sometimes one level deeper and sometimes a list. */
function reasonOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && reason.cause !== undefined) reason = reason.cause;
  if (reason instanceof AggregateError && reason.errors.length > 0) reason = reason.errors[0];
  const { code } = reason as { code?: unknown };
  return messageOf(reason) || (typeof code === 'string' ? code : 'no reason given');
}

const unreachable = (url: URL, reason: string, cause: unknown) =>
  new FanoutError({
    code: 'REMOTE_UNAVAILABLE',
    message: `${url.host} could not be asked: ${reason}`,
    remedy: 'Check the address, DNS, proxies and firewalls between here and there, then try again.',
    retryable: true,
    fields: { host: url.host },
    cause,
  });

const limited = ({ method, url }: Question, waitMs: number) =>
  new FanoutError({
    code: 'REMOTE_UNAVAILABLE',
    message: `${url.host} goes on limiting the rate of requests (${method} ${url.pathname})`,
    remedy: `Try again in ${Math.ceil(waitMs / 1000)} s or later, and look for what else uses the same account's API.`,
    retryable: true,
    fields: { host: url.host, waitMs },
  });
