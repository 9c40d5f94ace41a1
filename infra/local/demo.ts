// `npm run demo`: the story of the project, told by itself on a fresh local stack. Exits with 0 only when every step was
// seen to happen.

import { build } from '../build.ts';
import { progress, table, tellFailure, tellUsage } from './cli.ts';
import { busStates, recordState, untilTrue } from './demo-checks.ts';
import { stopOnExit } from './exit.ts';
import { SAMPLE_FLAG, sampleDatafile } from './optimizely/sample.ts';
import { decide, sendWebhook } from './stack/client.ts';
import { type Stack, startStack } from './stack/stack.ts';
import { flipAndWatch, type SeenFlip } from './stack/watch.ts';

const FLAG = SAMPLE_FLAG;
const USAGE = `npm run demo

Starts a local stack of its own, flips a flag, stops the bus, flips again, forges a webhook, and shows what every agent
saw. Exits with 0 only when all of it was seen. Takes no options.`;
const LIVE_TIMEOUT_MS = 15_000;
/** Two seconds until the bus counts as gone, then a poll every five, with jitter; generous for a busy machine. */
const FALLBACK_TIMEOUT_MS = 45_000;

/** One step: what was seen, or an error that says what was not. */
interface Step {
  readonly title: string;
  readonly run: (stack: Stack) => Promise<string>;
}

const STORY: readonly Step[] = [
  {
    title: `A flag is flipped in Optimizely: ${FLAG}`,
    run: async (stack) => {
      const first = describe(await flipAndWatch(stack.addresses, FLAG, LIVE_TIMEOUT_MS));
      const second = describe(await flipAndWatch(stack.addresses, FLAG, LIVE_TIMEOUT_MS));
      return `${first}\nand back, now that every process is warm:\n${second}`;
    },
  },
  {
    title: 'The bus is killed, and the flag flipped again',
    run: async (stack) => {
      await stack.parts.nats.kill('SIGKILL');
      const seen = describe(await flipAndWatch(stack.addresses, FLAG, FALLBACK_TIMEOUT_MS));
      const states = await busStates(stack.addresses);
      if (!states.every((state) => state === 'unavailable'))
        throw new Error(`agents say of the bus: ${states.join(', ')}`);
      return `${seen}\nevery agent says that the bus is unavailable: it came through S3`;
    },
  },
  {
    title: 'The bus comes back',
    run: async (stack) => {
      const startMs = performance.now();
      await stack.parts.nats.start();
      // The bus missed a change while it was dead. In a deployment the schedule finds out within a minute.
      await stack.runReconcile();
      await untilTrue('every agent trusts the bus again', FALLBACK_TIMEOUT_MS, async () =>
        (await busStates(stack.addresses)).every((state) => state === 'available'),
      );
      const backMs = performance.now() - startMs;
      const live = describe(await flipAndWatch(stack.addresses, FLAG, LIVE_TIMEOUT_MS));
      return `every agent has caught up and trusts it again after ${backMs.toFixed(0)} ms; the next flip comes live:\n${live}`;
    },
  },
  {
    title: 'A stranger forges a webhook',
    run: async ({ addresses }) => {
      const before = await recordState(addresses);
      const [agent] = addresses.agents;
      const revision = agent === undefined ? 0 : (await decide(agent.api, addresses.sdkKey, FLAG)).revision;
      const forged = {
        projectId: addresses.projectId,
        sdkKey: addresses.sdkKey,
        revision: String(revision + 1),
      };
      const response = await sendWebhook(
        addresses,
        { ...forged, featureFlags: [], rollouts: [], experiments: [] },
        'not the secret',
      );
      if (response.status !== 401)
        throw new Error(`the forged webhook was answered with ${response.status}, not 401`);
      if ((await recordState(addresses)) !== before)
        throw new Error('the forged webhook changed the manifest in S3');
      return 'it is answered with 401, and nothing changes';
    },
  },
];

function describe({ webhookStatus, datafile, seen }: SeenFlip): string {
  if (webhookStatus !== 204) throw new Error(`the webhook was answered with ${webhookStatus}, not 204`);
  const rows = seen.map(({ ms, decision }, i) => {
    if (ms === null)
      throw new Error(`agent ${i} still decides ${decision.enabled} by revision ${decision.revision}`);
    const decided = `${decision.enabled ? 'on' : 'off'}, revision ${decision.revision}, seq ${decision.seq}`;
    return [`agent ${i}`, `${ms.toFixed(0)} ms`, decided];
  });
  if (rows.length === 0) throw new Error('there is no agent');
  return `revision ${datafile.revision}: from the webhook to the new decision\n${table(rows)}`;
}

async function main(): Promise<void> {
  if (!tellUsage('npm run demo', USAGE, process.argv.slice(2))) return;
  let stack: Stack | undefined;
  stopOnExit(async () => {
    await stack?.stop();
    // Ended before its end, the story was not seen.
    process.exit(1);
  });
  progress('building the bundles');
  await build();
  stack = await startStack({ agents: 3, datafile: sampleDatafile(), progress });
  try {
    for (const [i, { title, run }] of STORY.entries()) {
      process.stdout.write(`\n${i + 1}. ${title}\n`);
      const text = await run(stack);
      process.stdout.write(`${text.replace(/^/gm, '   ')}\n`);
    }
  } finally {
    await stack.stop();
  }
  process.stdout.write('\nAll of it was seen.\n');
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.exit(tellFailure('demo', error));
  },
);
