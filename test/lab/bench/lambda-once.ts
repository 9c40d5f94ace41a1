// A Lambda's cold start in a process of its own: import the bundle, call it once, report how long each took; then again for each further event. The event is
// given as an argument, the settings as environment, as the runtime would.

import { pathToFileURL } from 'node:url';
import type { LambdaAgain, LambdaOnce } from './cold-start.ts';

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
const importCpuMs = cpuMs();
const result: unknown = await handler(JSON.parse(event), context);
const answeredAtMs = performance.now();
process.send?.({
  nodeMs: startedAtMs,
  importMs: importedAtMs - startedAtMs,
  importCpuMs,
  firstInvocationMs: answeredAtMs - importedAtMs,
  firstInvocationCpuMs: cpuMs() - importCpuMs,
  rssBytes: process.memoryUsage.rss(),
  result,
} satisfies LambdaOnce);

// Further events, for what the same takes when it is warm; the parent ends this process.
process.on('message', async (next) => {
  const before = { atMs: performance.now(), cpuMs: cpuMs() };
  await handler(next, context);
  process.send?.({
    ms: performance.now() - before.atMs,
    cpuMs: cpuMs() - before.cpuMs,
  } satisfies LambdaAgain);
});

/** Used by this process since it began. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
