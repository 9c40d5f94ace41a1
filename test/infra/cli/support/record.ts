// A store with a record of the shop's datafiles, written as the functions would have.

import { expect } from 'vitest';
import { parseDatafile } from '../../../../core/datafile/datafile.ts';
import { type ChangeId, type Lineage, toSdkKey } from '../../../../core/ids.ts';
import { advance, createManifest, type Manifest } from '../../../../core/record/manifest.ts';
import { encodeManifest } from '../../../../core/record/manifest-codec.ts';
import { bodyKey, manifestKey } from '../../../../core/record/names.ts';
import { createS3StandIn } from '../../../../infra/local/aws/s3.ts';
import { ensureBucket } from '../../../../infra/local/stack/s3.ts';
import { type HttpServer, serveHttp } from '../../../../infra/local/tools/http.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { type Shop, shopDatafile } from './shop.ts';

export const BUCKET = 'record';
export const SDK_KEY = toSdkKey('ShopKey');
export const RECORD_START_MS = Date.UTC(2026, 0, 31, 12);
export const AWS = {
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_REGION: 'us-east-1',
  AWS_EC2_METADATA_DISABLED: 'true',
};

export async function startStore(): Promise<HttpServer> {
  const store = await serveHttp(createS3StandIn({ clock: new ManualClock() }), 0);
  await ensureBucket(store.url, BUCKET, AWS);
  return store;
}

/** One change a minute from RECORD_START_MS on, under the ids change-1, change-2 … */
export async function putRecord(store: HttpServer, shops: readonly Shop[]): Promise<Manifest> {
  let manifest: Manifest | undefined;
  for (const [i, shop] of shops.entries()) {
    const body = Buffer.from(JSON.stringify(shopDatafile(shop)));
    const datafile = parseDatafile(body, { sdkKey: SDK_KEY });
    await putObject(store, bodyKey(SDK_KEY, datafile.sha256), datafile.body);
    const atMs = RECORD_START_MS + i * 60_000;
    const times = { receivedAtMs: atMs, publishedAtMs: atMs };
    const cdn = { etag: null, lastModifiedMs: atMs };
    const arrival = { cause: 'webhook', changeId: `change-${i + 1}` as ChangeId, ...times, cdn } as const;
    if (manifest === undefined) manifest = createManifest(datafile, arrival, 'lineage-1' as Lineage);
    else {
      const move = advance(manifest, datafile, arrival);
      if ('manifest' in move) manifest = move.manifest;
    }
  }
  if (manifest === undefined) throw new Error('a record of nothing');
  await putManifest(store, manifest);
  return manifest;
}

export const putManifest = (store: HttpServer, manifest: Manifest): Promise<void> =>
  putObject(store, manifestKey(manifest.sdkKey), encodeManifest(manifest));

async function putObject({ url }: HttpServer, key: string, body: Uint8Array): Promise<void> {
  const response = await fetch(`${url}/${BUCKET}/${key}`, { method: 'PUT', body: new Uint8Array(body) });
  expect(response.status).toBe(200);
}
