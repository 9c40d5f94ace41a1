// What keeps a store that ignores conditions on writes from losing changes in silence.

import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { parseDatafile } from '../../../core/datafile/datafile.ts';
import { type ChangeId, type Lineage, toSdkKey } from '../../../core/ids.ts';
import { createManifest } from '../../../core/record/manifest.ts';
import { createRecord } from '../../../functions/record/bucket.ts';
import {
  conditionsCheck,
  TRIAL_KEY,
  type WriteCondition,
} from '../../../functions/record/store-conditions.ts';
import { createS3StandIn } from '../../../infra/local/aws/s3.ts';
import { systemClock } from '../../../infra/local/tools/clock.ts';
import { type HttpHandler, type HttpServer, serveHttp } from '../../../infra/local/tools/http.ts';
import { datafileOf } from '../../support/datafiles.ts';

const BUCKET = 'fanout';
const sdkKey = toSdkKey('AnyKey');
const servers: HttpServer[] = [];

beforeAll(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'local');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'local');
  vi.stubEnv('AWS_REGION', 'us-east-1');
});
afterAll(async () => {
  await Promise.all(servers.map((server) => server.close()));
  vi.unstubAllEnvs();
});

/** A store whose answers to the trial's three writes are these. */
const answering = (...statuses: number[]) => {
  const asked: WriteCondition[] = [];
  const check = conditionsCheck(async (key, condition) => {
    expect(key).toBe(TRIAL_KEY);
    asked.push(condition);
    return statuses[asked.length - 1] ?? 0;
  }, 'store.example');
  return { check, asked };
};

describe('the trial', () => {
  it.each([
    ['as Amazon answers', [200, 412, 412]],
    ['when the marker is there already', [412, 412, 412]],
    ['while another replica tries', [409, 409, 409]],
    ['of a store that says 404 to If-Match on what was removed', [200, 412, 404]],
  ])('passes %s', async (_name, statuses) => {
    await expect(answering(...statuses).check()).resolves.toBeUndefined();
  });

  it.each([
    ['ignores If-None-Match', [200, 200], 'If-None-Match: *'],
    ['ignores If-Match', [200, 412, 200], 'If-Match'],
    ['does not implement conditions', [501], 'If-None-Match: *'],
    ['does not implement If-Match', [200, 412, 501], 'If-Match'],
  ])('fails with a store that %s', async (_name, statuses, condition) => {
    await expect(answering(...statuses).check()).rejects.toMatchObject({
      code: 'RECORD_UNCONDITIONAL',
      retryable: false,
      fields: { store: 'store.example', condition, status: statuses.at(-1) },
    });
  });

  it('the trial is made once when it passes, and again after it failed', async () => {
    const right = answering(200, 412, 412);
    await right.check();
    await right.check();
    expect(right.asked).toHaveLength(3);
    const upgraded = answering(200, 200, 200, 412, 412);
    await expect(upgraded.check()).rejects.toMatchObject({ code: 'RECORD_UNCONDITIONAL' });
    await expect(upgraded.check()).resolves.toBeUndefined();
  });
});

const manifest = createManifest(
  parseDatafile(datafileOf(1, { sdkKey }), { sdkKey }),
  {
    cause: 'import',
    changeId: 'c' as ChangeId,
    receivedAtMs: 1,
    publishedAtMs: 2,
    cdn: { etag: '"x"', lastModifiedMs: 3 },
  },
  'l' as Lineage,
);

async function recordAt(change: (handler: HttpHandler) => HttpHandler) {
  const server = await serveHttp(change(createS3StandIn({ clock: systemClock })), 0);
  servers.push(server);
  const raw = new S3Client({ endpoint: server.url, forcePathStyle: true });
  await raw.send(new CreateBucketCommand({ Bucket: BUCKET }));
  raw.destroy();
  return createRecord({ bucket: BUCKET, endpoint: server.url });
}

describe("another maker's S3", () => {
  it('takes a manifest when it honours conditions', async () => {
    const record = await recordAt((handler) => handler);
    const swapped = await record.swapManifest(manifest, null);
    expect(swapped).toMatchObject({ etag: expect.any(String) });
    expect(await record.swapManifest(manifest, null)).toBe('conflict');
  });

  it('gets no manifest when it ignores them, and the error says what to use instead', async () => {
    const record = await recordAt((handler) => (request, response) => {
      delete request.headers['if-none-match'];
      delete request.headers['if-match'];
      return handler(request, response);
    });
    await expect(record.checkConditions?.()).rejects.toMatchObject({ code: 'RECORD_UNCONDITIONAL' });
    await expect(record.swapManifest(manifest, null)).rejects.toMatchObject({
      code: 'RECORD_UNCONDITIONAL',
      remedy: expect.stringContaining('If-Match'),
    });
    expect(await record.readManifest(sdkKey)).toBeNull();
  });

  it('gets no checksum headers, which not every store knows', async () => {
    const seen: string[] = [];
    const record = await recordAt((handler) => (request, response) => {
      if (request.method === 'PUT') seen.push(...Object.keys(request.headers));
      return handler(request, response);
    });
    await record.putBody(sdkKey, manifest.sha256, Buffer.from('{}'));
    expect(seen).toContain('if-none-match');
    expect(seen.filter((name) => /checksum|trailer/.test(name))).toEqual([]);
  });

  it('whose ETag a proxy has weakened still swaps on it, and one without ETags swaps nothing', async () => {
    let etagOf = (etag: string): string => `W/${etag}`;
    const record = await recordAt((handler) => (request, response) => {
      const { writeHead } = response;
      if (request.method === 'GET')
        response.writeHead = ((status: number, headers: Record<string, string> = {}) => {
          const { etag = '', ...others } = headers;
          const changed = etagOf(etag);
          return writeHead.call(response, status, changed === '' ? others : { ...others, etag: changed });
        }) as typeof response.writeHead;
      return handler(request, response);
    });
    await record.swapManifest(manifest, null);
    const found = await record.readManifest(sdkKey);
    expect(await record.swapManifest(manifest, found?.etag ?? '')).toMatchObject({
      etag: expect.any(String),
    });
    etagOf = () => '';
    await expect(record.readManifest(sdkKey)).rejects.toMatchObject({ code: 'RECORD_UNAVAILABLE' });
  });
});
