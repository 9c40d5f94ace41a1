// `npm run flip -- <flag>`: what a product manager does in Optimizely, done to the running local stack, and how long every
// agent took to follow.

import { readAddresses } from './address-file.ts';
import { printError, progress, table } from './cli.ts';
import { flipAndWatch } from './watch.ts';

const TIMEOUT_MS = 30_000;

async function main(flagKey: string | undefined): Promise<number> {
  if (flagKey === undefined || flagKey.startsWith('-')) {
    progress(
      'npm run flip -- FLAG\n\nTurns a flag of the running local stack on or off, for example flag_1.',
    );
    return flagKey === '--help' ? 0 : 2;
  }
  const addresses = await readAddresses();
  const { datafile, webhookStatus, seen } = await flipAndWatch(addresses, flagKey, TIMEOUT_MS);
  progress(`${flagKey} turned round in revision ${datafile.revision}; the webhook answered ${webhookStatus}`);
  const rows = seen.map(({ ms, decision }, i) => {
    const when = ms === null ? `not seen within ${TIMEOUT_MS / 1000} s` : `after ${ms.toFixed(0)} ms`;
    return [`agent ${i}`, `enabled: ${decision.enabled}`, `seq ${decision.seq}`, when];
  });
  process.stdout.write(`${table(rows)}\n`);
  return seen.every(({ ms }) => ms !== null) ? 0 : 1;
}

main(process.argv[2]).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    printError(error);
    process.exitCode = 1;
  },
);
