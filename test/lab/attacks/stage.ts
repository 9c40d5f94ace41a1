// A small stack for the attacks alone: few flags, so that a change is cheap, and a CDN that leads through the attacker.

import { generateDatafile } from '../../../infra/local/optimizely/datafile.ts';
import type { PartUrls } from '../../../infra/local/stack/options.ts';
import { type Stack, startStack } from '../../../infra/local/stack/stack.ts';
import { busEnv, stageBusConfig } from './bus/bus-users.ts';
import { RecordTap } from './record/record-tap.ts';
import { Target } from './target.ts';
import { EvilCdn } from './trap.ts';

const FLAGS = 10;
const AGENTS = 2;
export const OTHER_KEY = 'OtherFanoutKey1234567B';
/** As many flags as a project of some size has, for what costs by the flag. */
export const BIG_KEY = 'BigFanoutKey12345678C';
const BIG_FLAGS = 100;
/** The other project has no webhook secret here, so that no sender can sign for it. */
const OTHER_PROJECT_ID = '20490310999';

/** Agents that are added later have none. */
function tapped(tap: RecordTap | undefined, { s3 }: PartUrls): Record<string, string> {
  if (tap === undefined) return {};
  tap.upstream = s3;
  return { FANOUT_S3_ENDPOINT: tap.url };
}

export interface Stage {
  readonly target: Target;
  close(): Promise<void>;
}

export async function startStage(progress: (line: string) => void): Promise<Stage> {
  const cdn = new EvilCdn();
  await cdn.start();
  const recordTaps = Array.from({ length: AGENTS }, () => new RecordTap());
  for (const tap of recordTaps) await tap.start();
  let stack: Stack | undefined;
  const close = async () => {
    await stack?.stop();
    await cdn.close();
    for (const tap of recordTaps) await tap.close();
  };
  try {
    stack = await startStack({
      ...{ agents: AGENTS, progress, reconcileIntervalMs: null },
      datafile: generateDatafile({ flags: FLAGS }),
      extraDatafiles: [
        generateDatafile({ flags: 1, sdkKey: OTHER_KEY, projectId: OTHER_PROJECT_ID, seed: 2 }),
        generateDatafile({ flags: BIG_FLAGS, sdkKey: BIG_KEY, projectId: OTHER_PROJECT_ID, seed: 3 }),
      ],
      natsConfig: await stageBusConfig(),
      lambdaEnv: (urls) => {
        cdn.upstream = urls.cdn;
        return {
          // What is never served should not hold up the next attack.
          FANOUT_FETCH_BUDGET: '600ms',
          FANOUT_CDN_URL_TEMPLATE: `${cdn.url}/datafiles/%s.json`,
          FANOUT_ORIGIN_URL_TEMPLATE: `${cdn.url}/origin/datafiles/%s.json`,
          FANOUT_CDN_AUTH_URL_TEMPLATE: `${cdn.url}/datafiles/auth/%s.json`,
          ...busEnv('publisher'),
        };
      },
      agentEnv: (urls, index) => ({
        ...tapped(recordTaps[index], urls),
        OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `${cdn.url}/datafiles/%s.json`,
        OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true',
        OPTIMIZELY_API_ENABLEOVERRIDES: 'true',
        ...busEnv('agent'),
        // As Node sets it by itself in a container of 512 MiB, where it collects garbage in time.
        NODE_OPTIONS: '--max-old-space-size=256',
      }),
    });
    const target = await Target.of(stack.addresses, { stack, cdn, recordTaps });
    return {
      target,
      close: async () => {
        await target.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
