// An agent beside the stage's, for one attack alone: with settings of its own, and in several processes where they are what
// is attacked.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT_DIR } from '../../../../infra/build.ts';
import { Part } from '../../../../infra/local/stack/part.ts';
import { startReaper } from '../../../../infra/local/stack/reaper-client.ts';
import { require } from '../attack.ts';
import { busEnv } from '../bus/bus-users.ts';
import { BIG_KEY } from '../stage.ts';
import type { Target } from '../target.ts';

const READY_POLL_MS = 20;
const STARTED = /"agent\.started"/;

export interface SideAgent {
  readonly api: string;
  readonly admin: string;
  readonly part: Part;
}

/** Started for this run only, ready when `run` is called. @throws Broken when it has ended meanwhile; NotHere */
export async function withAgent(
  target: Target,
  env: Readonly<Record<string, string>>,
  run: (agent: SideAgent) => Promise<unknown>,
): Promise<void> {
  const { stack, cdn } = target.own;
  const cacheDir = await mkdtemp(join(tmpdir(), 'datafile-fanout-attack-'));
  const reaper = startReaper();
  const part = new Part(
    {
      name: 'agent beside the stage',
      command: process.execPath,
      args: [join(ROOT_DIR, 'dist', 'agent', 'main.mjs')],
      readiness: STARTED,
      env: {
        ...{ PATH: process.env.PATH ?? '', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
        ...{ AWS_REGION: 'us-east-1', AWS_EC2_METADATA_DISABLED: 'true', FANOUT_CACHE_DIR: cacheDir },
        ...{ FANOUT_BUCKET: target.addresses.s3.bucket, FANOUT_S3_ENDPOINT: stack.urls.s3 },
        ...{ FANOUT_NATS_URL: stack.urls.natsWs, ...busEnv('agent') },
        ...{ OPTIMIZELY_SERVER_HOST: '127.0.0.1', OPTIMIZELY_API_PORT: '0', OPTIMIZELY_ADMIN_PORT: '0' },
        ...{ OPTIMIZELY_WEBHOOK_PORT: '0', OPTIMIZELY_SDKKEYS: `${target.sdkKey},${BIG_KEY}` },
        OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: `${cdn.url}/datafiles/%s.json`,
        OPTIMIZELY_CLIENT_EVENTURL: `${stack.urls.cdn}/events`,
        NODE_OPTIONS: '--max-old-space-size=256',
        ...env,
      },
    },
    reaper,
  );
  try {
    await part.start();
    const started = JSON.parse(part.lines.find((line) => STARTED.test(line)) ?? '{}') as {
      apiPort: number;
      adminPort: number;
    };
    const admin = `http://127.0.0.1:${started.adminPort}`;
    await untilReady(admin);
    await run({ api: `http://127.0.0.1:${started.apiPort}`, admin, part });
    require(part.isRunning, 'the agent has ended');
  } finally {
    await part.stop();
    await reaper.close();
    await rm(cacheDir, { recursive: true, force: true });
  }
}

async function untilReady(admin: string): Promise<void> {
  for (;;) {
    const response = await fetch(`${admin}/health/ready`);
    await response.arrayBuffer();
    if (response.ok) return;
    await sleep(READY_POLL_MS);
  }
}
