// What the built receiver is told, to stand beside a running stack with the same bus, store and CDN.

import { join } from 'node:path';
import { ROOT_DIR } from '../../../infra/build.ts';
import type { Stack } from '../../../infra/local/stack/stack.ts';

export const RECEIVER_BUNDLE = join(ROOT_DIR, 'dist/receiver/main.mjs');

export function receiverEnv(stack: Stack, more: Readonly<Record<string, string>> = {}) {
  const { addresses, urls } = stack;
  const datafiles = [{ sdkKey: addresses.sdkKey, environment: 'Production' }];
  return {
    FANOUT_PORT: '0',
    FANOUT_BUCKET: addresses.s3.bucket,
    FANOUT_S3_ENDPOINT: addresses.s3.endpoint,
    FANOUT_NATS_URL: urls.natsWs,
    FANOUT_PROJECTS: JSON.stringify([
      { projectId: addresses.projectId, secrets: [addresses.webhookSecret], datafiles },
    ]),
    FANOUT_CDN_URL_TEMPLATE: `${urls.cdn}/datafiles/%s.json`,
    FANOUT_ORIGIN_URL_TEMPLATE: `${urls.cdn}/origin/datafiles/%s.json`,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_REGION: 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    ...more,
  };
}
