// What a stack will be before anything of it runs: its ports, addresses, datafiles and bucket.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { parseSigningKey } from '../../../core/record/signing-keys.ts';
import { generateDatafile } from '../optimizely/datafile.ts';
import { LOOPBACK_HOST } from '../tools/http.ts';
import type { SigningPair, StackFacts } from './env.ts';
import type { StackOptions } from './options.ts';
import type { PortSource } from './ports.ts';

const BUCKET = 'datafile-fanout-local';

export interface StackPorts {
  readonly webhook: number;
  readonly cdn: number;
  readonly s3: number;
  readonly sns: number;
  readonly bridge: number;
  readonly reconcile: number;
  readonly nats: number;
  readonly natsWs: number;
}

/** In this order from `--port-base`; the agents' follow, API and admin in turn. */
export async function choosePorts(ports: PortSource): Promise<StackPorts> {
  return {
    webhook: await ports.next(),
    cdn: await ports.next(),
    s3: await ports.next(),
    sns: await ports.next(),
    bridge: await ports.next(),
    reconcile: await ports.next(),
    nats: await ports.next(),
    natsWs: await ports.next(),
  };
}

export function planStack(options: StackOptions, ports: StackPorts, env: NodeJS.ProcessEnv): StackFacts {
  const http = (port: number) => `http://${LOOPBACK_HOST}:${port}`;
  const usesForeignS3 = options.s3Endpoint !== undefined;
  return {
    urls: {
      webhook: http(ports.webhook),
      bridge: http(ports.bridge),
      reconcile: http(ports.reconcile),
      cdn: http(ports.cdn),
      s3: options.s3Endpoint ?? http(ports.s3),
      sns: http(ports.sns),
      nats: `nats://${LOOPBACK_HOST}:${ports.nats}`,
      natsWs: `ws://${LOOPBACK_HOST}:${ports.natsWs}`,
    },
    // Another S3 remembers: the manifest of an earlier run would be ahead of a fresh CDN.
    bucket: usesForeignS3 ? env.FANOUT_BUCKET || `${BUCKET}-${randomBytes(6).toString('hex')}` : BUCKET,
    webhookSecret: randomBytes(24).toString('base64url'),
    datafiles: [options.datafile ?? generateDatafile(), ...(options.extraDatafiles ?? [])],
    usesForeignS3,
    signing: options.signed === true ? createPair() : undefined,
  };
}

function createPair(): SigningPair {
  const { privateKey } = generateKeyPairSync('ed25519');
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { privateKey: pem, publicKey: parseSigningKey(pem).publicKey.text };
}
