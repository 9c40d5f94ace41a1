// What the record says, read as S3 gives it.

import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { toSdkKey } from '../../../core/ids.ts';
import type { Manifest } from '../../../core/record/manifest.ts';
import { decodeManifest } from '../../../core/record/manifest-codec.ts';
import { manifestKey } from '../../../core/record/names.ts';
import type { Stack } from '../../../infra/local/stack/stack.ts';

export async function readManifest({ addresses }: Stack): Promise<Manifest> {
  const { endpoint, bucket } = addresses.s3;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const s3 = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
  const sdkKey = toSdkKey(addresses.sdkKey);
  try {
    const object = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: manifestKey(sdkKey) }));
    return decodeManifest((await object.Body?.transformToByteArray()) ?? new Uint8Array(0), sdkKey);
  } finally {
    s3.destroy();
  }
}
