// `npm run up`: builds, starts the local stack, says where everything is, and stops it all with Ctrl-C.

import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { parseDatafile } from '../../core/datafile/datafile.ts';
import { toSdkKey } from '../../core/ids.ts';
import { build } from '../build.ts';
import { printError, progress, tellFailure, UsageError } from './cli.ts';
import { stopOnExit } from './exit.ts';
import { type DatafileJson, LOCAL_SDK_KEY } from './optimizely/datafile.ts';
import { SAMPLE_FLAG, sampleDatafile } from './optimizely/sample.ts';
import {
  removeEndedStacks,
  removeStack,
  type StackPlace,
  stackPlace,
  writeStack,
} from './stack/address-file.ts';
import type { StackOptions } from './stack/options.ts';
import { type Stack, startStack } from './stack/stack.ts';
import { parseUpOptions, UP_USAGE, type UpOptions } from './up-options.ts';
import { upText } from './up-text.ts';

async function main(): Promise<void> {
  const options = parseUpOptions(process.argv.slice(2), process.env);
  if (options.help) {
    process.stdout.write(`${UP_USAGE}\n`);
    return;
  }
  const datafile = await readDatafile(options.datafile);
  let stack: Stack | undefined;
  const place = stackPlace(process.pid);
  // While it starts there is nothing to stop in order; the reaper ends what there is.
  stopOnExit(async () => {
    if (stack === undefined) return;
    await removeStack(place);
    await stack.stop();
  });
  progress('building the bundles');
  await build();
  await removeEndedStacks();
  const startedAtMs = Date.now();
  stack = await startStack({ ...stackOptions(options), ...datafile, logsDir: place.logsDir, progress });
  const run = { pid: process.pid, startedAtMs, logsDir: place.logsDir, env: stack.operatorEnv };
  await writeStack(place, { ...stack.addresses, run });
  printReady(stack, options, place, datafile.datafile);
  tellOfEnds(stack);
  if (process.stdin.isTTY) offerRestart(stack);
}

function stackOptions({ agents, portBase, s3Endpoint, signed }: UpOptions): StackOptions {
  return {
    ...{ agents, signed },
    ...(portBase !== undefined && { portBase }),
    ...(s3Endpoint !== undefined && { s3Endpoint }),
  };
}

/** @throws UsageError when the file cannot be read; FanoutError when it is no datafile */
async function readDatafile(
  file: string | undefined,
): Promise<{ datafile?: DatafileJson; datafileBody?: Buffer }> {
  if (file === undefined) return { datafile: sampleDatafile() };
  const body = await readFile(file).catch((error: Error) => {
    throw new UsageError(`--datafile ${file} cannot be read: ${error.message}`);
  });
  const named = /"sdkKey"\s*:\s*"([^"]+)"/.exec(body.toString())?.[1];
  parseDatafile(body, { sdkKey: toSdkKey(named ?? LOCAL_SDK_KEY) });
  return { datafile: JSON.parse(body.toString()) as DatafileJson, datafileBody: body };
}

function printReady(
  stack: Stack,
  options: UpOptions,
  place: StackPlace,
  datafile: DatafileJson | undefined,
): void {
  const { addresses, urls, parts } = stack;
  if (options.json) {
    process.stdout.write(`${JSON.stringify(addresses)}\n`);
    return;
  }
  const flagKey = (datafile?.featureFlags[0] ?? { key: SAMPLE_FLAG }).key;
  process.stdout.write(upText({ addresses, snsUrl: urls.sns, natsPid: parts.nats.pid ?? 0, flagKey, place }));
  progress('Ctrl-C stops everything and leaves nothing behind.');
}

function allParts(stack: Stack) {
  const { nats, s3, sns, cdn, webhook, bridge, reconcile } = stack.parts;
  return [nats, s3, sns, cdn, webhook, bridge, reconcile, ...stack.agents.map(({ part }) => part)].filter(
    (part) => part !== undefined,
  );
}

function tellOfEnds(stack: Stack): void {
  for (const part of allParts(stack)) part.onEnd((how) => progress(`${part.name} has ended (${how})`));
}

/** The way back from "stop the bus". */
function offerRestart(stack: Stack): void {
  progress('Enter starts again what has ended, for example the bus.');
  createInterface({ input: process.stdin }).on('line', () => {
    for (const part of allParts(stack)) {
      if (part.isRunning) continue;
      part.start().then(() => progress(`${part.name} runs again, pid ${part.pid}`), printError);
    }
  });
}

main().catch((error: unknown) => {
  process.exit(tellFailure('up', error));
});
