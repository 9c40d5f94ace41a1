// What Lambda's own runtime does around a function, in a few lines (docs.aws.amazon.com › Lambda › Using the Lambda runtime
// API): loads the handler that _HANDLER names out of LAMBDA_TASK_ROOT, then takes one invocation after another.

import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const { AWS_LAMBDA_RUNTIME_API: api, LAMBDA_TASK_ROOT: root = '', _HANDLER: name = '' } = process.env;
const base = `http://${api}/2018-06-01/runtime`;
const [file, exported] = name.split('.');
const post = (path, value) =>
  fetch(`${base}/${path}`, { method: 'POST', body: JSON.stringify(value ?? null) }).then((r) => r.text());
const asError = (error) => ({
  errorType: error?.name ?? 'Error',
  errorMessage: error?.message ?? String(error),
});

let handler;
try {
  handler = (await import(pathToFileURL(join(root, `${file}.mjs`)).href))[exported];
} catch (error) {
  await post('init/error', asError(error));
  process.exit(1);
}

for (;;) {
  const next = await fetch(`${base}/invocation/next`);
  const awsRequestId = next.headers.get('lambda-runtime-aws-request-id');
  const deadlineMs = Number(next.headers.get('lambda-runtime-deadline-ms'));
  const context = { awsRequestId, getRemainingTimeInMillis: () => deadlineMs - Date.now() };
  try {
    await post(`invocation/${awsRequestId}/response`, await handler(await next.json(), context));
  } catch (error) {
    await post(`invocation/${awsRequestId}/error`, asError(error));
  }
}
