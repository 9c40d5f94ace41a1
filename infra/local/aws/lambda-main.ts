// The process of one local Lambda: `node lambda-main.ts '{"bundle", "functionName", "trigger", "port", "timeoutMs"}'`.
// Sets what the Lambda runtime sets, before the bundle is loaded.

import { reportReady } from '../stack/ready.ts';
import { systemClock } from '../tools/clock.ts';
import { serveHttp } from '../tools/http.ts';
import { createLambdaHost, type LambdaTrigger, loadHandler } from './lambda-host.ts';

interface Options {
  readonly bundle: string;
  readonly functionName: string;
  readonly trigger: LambdaTrigger;
  readonly port?: number;
  readonly timeoutMs?: number;
}

const TIMEOUT_MS_DEFAULT = 30_000;

const { bundle, functionName, trigger, port, timeoutMs } = JSON.parse(process.argv[2] ?? '{}') as Options;
Object.assign(process.env, {
  AWS_LAMBDA_FUNCTION_NAME: functionName,
  AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
  AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
  AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${functionName}`,
  AWS_LAMBDA_LOG_STREAM_NAME: 'local',
  AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
});
const handler = await loadHandler(bundle);
const host = createLambdaHost(handler, {
  functionName,
  trigger,
  timeoutMs: timeoutMs ?? TIMEOUT_MS_DEFAULT,
  clock: systemClock,
});
const server = await serveHttp(host, port ?? 0);
reportReady(functionName, server.url);
