// One built Lambda bundle behind HTTP: API Gateway's event for the webhook, `POST /invoke` for everything else. A real
// Lambda instance takes one invocation at a time and is frozen between them; here several overlap in one process.

import { randomUUID } from 'node:crypto';
import { pathToFileURL } from 'node:url';
import type { Context } from 'aws-lambda';
import type { Clock, Timer } from '../../../core/clock.ts';
import { FanoutError, messageOf } from '../../../core/errors.ts';
import { answerJson, BodyTooLargeError, type HttpHandler, pathOf, readBody } from '../tools/http.ts';
import { answerWithResult, httpApiEvent } from './lambda-event.ts';

/** Lambda's limit of a synchronous invocation. */
const PAYLOAD_BYTES_MAX = 6 * 1024 * 1024;
const INVOKE_PATH = '/invoke';
const MEMORY_MB = 512;

/** `http` wraps every request into an HTTP API event; `invoke` takes events as they are. */
export type LambdaTrigger = 'http' | 'invoke';

export type LambdaHandler = (event: unknown, context: Context) => unknown;

export interface LambdaHostOptions {
  readonly functionName: string;
  readonly trigger: LambdaTrigger;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** @throws FanoutError STACK_FAILED when the bundle cannot be loaded or exports no handler */
export async function loadHandler(bundlePath: string): Promise<LambdaHandler> {
  let bundle: { handler?: unknown };
  try {
    bundle = (await import(pathToFileURL(bundlePath).href)) as { handler?: unknown };
  } catch (cause) {
    throw notLoadable(`${bundlePath} cannot be loaded`, cause);
  }
  if (typeof bundle.handler === 'function') return bundle.handler as LambdaHandler;
  throw notLoadable(`${bundlePath} exports no handler`);
}

export function createLambdaHost(handler: LambdaHandler, options: LambdaHostOptions): HttpHandler {
  const { trigger, clock } = options;
  return async (request, response) => {
    let body: Buffer;
    try {
      body = await readBody(request, PAYLOAD_BYTES_MAX);
    } catch (error) {
      if (error instanceof BodyTooLargeError)
        return answerJson(response, 413, { message: 'Request Too Long' });
      throw error;
    }
    const requestId = randomUUID();
    if (trigger === 'http') {
      if (!isDecodable(pathOf(request))) return answerJson(response, 400, { message: 'Bad Request' });
      const event = httpApiEvent(request, body, { requestId, nowMs: clock.nowMs() });
      const outcome = await invoke(handler, event, requestId, options);
      // What a caller of API Gateway sees of a function that failed.
      if ('error' in outcome) return answerJson(response, 500, { message: 'Internal Server Error' });
      return answerWithResult(response, outcome.result);
    }
    if (request.method !== 'POST' || pathOf(request) !== INVOKE_PATH)
      return answerJson(response, 404, { message: 'POST /invoke' });
    const outcome = await invoke(handler, JSON.parse(body.toString() || '{}'), requestId, options);
    if ('error' in outcome) return answerJson(response, 500, outcome.error);
    return answerJson(response, 200, outcome.result ?? null);
  };
}

function isDecodable(path: string): boolean {
  try {
    decodeURI(path);
    return true;
  } catch {
    return false; // `%zz`, for example.
  }
}

type Outcome = { readonly result: unknown } | { readonly error: { errorType: string; errorMessage: string } };

async function invoke(
  handler: LambdaHandler,
  event: unknown,
  requestId: string,
  options: LambdaHostOptions,
): Promise<Outcome> {
  const { clock, timeoutMs, functionName } = options;
  let timer: Timer | undefined;
  const timedOut = new Promise<never>((_, reject) => {
    const text = `${requestId} Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
    timer = clock.after(timeoutMs, () =>
      reject(Object.assign(new Error(text), { name: 'Sandbox.Timedout' })),
    );
  });
  try {
    const context = lambdaContext(functionName, requestId, clock.nowMs() + timeoutMs, clock);
    return { result: await Promise.race([Promise.resolve(handler(event, context)), timedOut]) };
  } catch (error) {
    process.stderr.write(`${functionName} ${requestId} failed: ${messageOf(error)}\n`);
    return {
      error: { errorType: error instanceof Error ? error.name : 'Error', errorMessage: messageOf(error) },
    };
  } finally {
    timer?.cancel();
  }
}

function lambdaContext(
  functionName: string,
  awsRequestId: string,
  deadlineMs: number,
  clock: Clock,
): Context {
  const unsupported = () => {
    throw new Error('Return or throw: callbacks are gone from Node.js 24 on Lambda');
  };
  return {
    awsRequestId,
    functionName,
    functionVersion: '$LATEST',
    invokedFunctionArn: `arn:aws:lambda:us-east-1:000000000000:function:${functionName}`,
    memoryLimitInMB: String(MEMORY_MB),
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: 'local',
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, deadlineMs - clock.nowMs()),
    done: unsupported,
    fail: unsupported,
    succeed: unsupported,
  };
}

const notLoadable = (message: string, cause?: unknown) =>
  new FanoutError({
    code: 'STACK_FAILED',
    message,
    remedy: 'Run `npm run build` and look at its errors; each bundle must export `handler`.',
    retryable: false,
    cause,
  });
