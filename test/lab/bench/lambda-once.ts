// A Lambda's cold start in a process of its own: import the bundle, call it once, report how long each took. The event is
// given as an argument, the settings as environment, as the runtime would.

import { pathToFileURL } from 'node:url';
import type { LambdaOnce } from './cold-start.ts';

const [bundle = '', event = '{}'] = process.argv.slice(2);
const FUNCTION_TIMEOUT_MS = 30_000;
const context = {
  awsRequestId: 'c01d57a7-0000-4000-8000-000000000000',
  functionName: 'bench',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:000000000000:function:bench',
  memoryLimitInMB: '512',
  getRemainingTimeInMillis: () => FUNCTION_TIMEOUT_MS,
};

const startedAtMs = performance.now();
const { handler } = await import(pathToFileURL(bundle).href);
const importedAtMs = performance.now();
const result: unknown = await handler(JSON.parse(event), context);
const answeredAtMs = performance.now();
process.send?.({
  nodeMs: startedAtMs,
  importMs: importedAtMs - startedAtMs,
  firstInvocationMs: answeredAtMs - importedAtMs,
  rssBytes: process.memoryUsage.rss(),
  result,
} satisfies LambdaOnce);
process.exit(0);
