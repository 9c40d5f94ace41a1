import { randomUUID } from 'node:crypto';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import type { DatafileRecord } from '../../functions/ports.ts';
import { createBucket } from '../../functions/record/bucket.ts';
import { createS3StandIn } from '../../infra/local/aws/s3.ts';
import { systemClock } from '../../infra/local/tools/clock.ts';
import { serveHttp } from '../../infra/local/tools/http.ts';
import { createS3Client } from '../lab/sim/services/s3-client.ts';
import { S3Store } from '../lab/sim/services/s3-store.ts';
import { FakeRecord } from '../support/functions/fake-record.ts';
import { describeRecordContract, type RecordTarget } from './record.contract.ts';
import { s3ClientFor } from './s3-calls.ts';
import { CalmProcess } from './support/calm-process.ts';

describeRecordContract('local stand-in', async () => {
  const server = await serveHttp(createS3StandIn({ clock: systemClock }), 0);
  const { open, close } = await targetAt(server.url);
  return {
    open,
    close: async () => {
      await close();
      await server.close();
    },
  };
});

describeRecordContract('simulation', async () => {
  const store = new S3Store(() => {});
  const open = (): DatafileRecord => {
    const { actor, weather, driven } = new CalmProcess();
    const client = createS3Client({ actor, store, weather, attemptsMax: 1, timeoutMs: 1_000 });
    return driven(createBucket({ bucket: 'simulated' }, client));
  };
  return { open, close: async () => {} };
});

describeRecordContract('unit tests’ double', async () => {
  const record = new FakeRecord();
  return { open: () => record, close: async () => {} };
});

// Any other S3: `S3_ENDPOINT=https://… npx vitest run test/contract/record.test.ts`
const endpoint = process.env.S3_ENDPOINT;
if (endpoint !== undefined && endpoint !== '')
  describeRecordContract('S3_ENDPOINT', () => targetAt(endpoint));

async function targetAt(url: string): Promise<RecordTarget> {
  const bucket = `contract-${randomUUID()}`;
  const client = s3ClientFor(url);
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return { open: () => createBucket({ bucket }, client), close: async () => client.destroy() };
}
