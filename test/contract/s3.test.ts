import { createS3StandIn } from '../../infra/local/aws/s3.ts';
import { systemClock } from '../../infra/local/tools/clock.ts';
import { serveHttp } from '../../infra/local/tools/http.ts';
import { describeS3Contract } from './s3.contract.ts';

describeS3Contract('local stand-in', async () => {
  const server = await serveHttp(createS3StandIn({ clock: systemClock }), 0);
  return { endpoint: server.url, close: () => server.close() };
});

// Any other S3: `S3_ENDPOINT=https://… npx vitest run test/contract/s3.test.ts`
const endpoint = process.env.S3_ENDPOINT;
if (endpoint !== undefined && endpoint !== '') {
  describeS3Contract('S3_ENDPOINT', async () => ({ endpoint, close: async () => {} }));
}
