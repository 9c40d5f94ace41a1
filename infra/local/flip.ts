// `npm run flip -- <flag>`: what a product manager does in Optimizely, done to the running local stack, and how long every
// agent took to follow.

import { FanoutError } from '../../core/errors.ts';
import { toSdkKey } from '../../core/ids.ts';
import { createBucket } from '../../functions/record/bucket.ts';
import { printError, progress, table } from './cli.ts';
import { SAMPLE_FLAG } from './optimizely/sample.ts';
import { type RunningStack, readStack } from './stack/address-file.ts';
import { flipAndWatch } from './stack/watch.ts';

const TIMEOUT_MS = 30_000;
const USAGE = `npm run flip -- FLAG

Turns a flag of the running local stack on, or off again, for example ${SAMPLE_FLAG}.`;

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const [flagKey, ...rest] = args;
  if (flagKey === undefined || flagKey.startsWith('-') || rest.length > 0) {
    progress(`error: flip takes one flag, for example: npm run flip -- ${SAMPLE_FLAG}`);
    return 2;
  }
  const stack = await readStack({ note: progress });
  await refuseWhenPinned(stack);
  const { datafile, webhookStatus, seen } = await flipAndWatch(stack, flagKey, TIMEOUT_MS);
  const [first] = seen;
  const turned = first === undefined ? 'turned' : `turned ${first.decision.enabled ? 'on' : 'off'}`;
  progress(`${flagKey} ${turned} in revision ${datafile.revision}; the webhook answered ${webhookStatus}`);
  const rows = seen.map(({ ms, decision }, i) => {
    const when = ms === null ? `not seen within ${TIMEOUT_MS / 1000} s` : `after ${ms.toFixed(0)} ms`;
    return [`agent ${i}`, `enabled: ${decision.enabled}`, `seq ${decision.seq}`, when];
  });
  process.stdout.write(`${table(rows)}\n`);
  return seen.every(({ ms }) => ms !== null) ? 0 : 1;
}

/** No agent would follow, and half a minute of waiting would not say why. @throws FanoutError METHOD_REFUSED */
async function refuseWhenPinned({ run, s3, sdkKey }: RunningStack): Promise<void> {
  // The SDK reads them from the process; another S3's are the shell's own.
  Object.assign(process.env, run.env);
  const stored = await createBucket(s3).readManifest(toSdkKey(sdkKey));
  const pin = stored?.manifest.pin ?? null;
  if (pin === null) return;
  throw new FanoutError({
    code: 'METHOD_REFUSED',
    message: `${sdkKey} is pinned (${pin.reason}): no webhook moves it`,
    remedy: `\`npm run -s fanout -- datafile unpin ${sdkKey} --local\` lets it follow again.`,
    retryable: false,
  });
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    printError(error);
    process.exitCode = 1;
  },
);
