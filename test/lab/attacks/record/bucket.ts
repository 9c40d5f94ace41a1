// The bucket of a running stack for an attacker who may write to it: raw bytes in and out, no condition and no check.

import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { SdkKey } from '../../../../core/ids.ts';
import type { Manifest } from '../../../../core/record/manifest.ts';
import { decodeManifest } from '../../../../core/record/manifest-codec.ts';
import { manifestKey } from '../../../../core/record/names.ts';
import type { StackAddresses } from '../../../../infra/local/stack/options.ts';

export class Bucket {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor({ s3 }: Pick<StackAddresses, 's3'>) {
    this.#bucket = s3.bucket;
    this.#client = new S3Client({
      ...{ endpoint: s3.endpoint, region: process.env.AWS_REGION ?? 'us-east-1', forcePathStyle: true },
      ...(process.env.AWS_ACCESS_KEY_ID === undefined && {
        credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
      }),
    });
  }

  async get(key: string): Promise<Buffer> {
    const object = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    return Buffer.from((await object.Body?.transformToByteArray()) ?? []);
  }

  async put(key: string, body: Uint8Array, headers: { encoding?: string } = {}): Promise<void> {
    const { encoding } = headers;
    const more = encoding === undefined ? {} : { ContentEncoding: encoding };
    await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: body, ...more }));
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
  }

  async manifest(sdkKey: SdkKey): Promise<Manifest> {
    return decodeManifest(await this.get(manifestKey(sdkKey)), sdkKey);
  }

  close(): void {
    this.#client.destroy();
  }
}
