// A versitygw for as long as something needs it: another maker's S3 server, which keeps its objects in a folder.

import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Part } from '../../../infra/local/stack/part.ts';
import { freePorts } from '../../../infra/local/stack/ports.ts';
import { startReaper } from '../../../infra/local/stack/reaper-client.ts';
import { LOOPBACK_HOST } from '../../../infra/local/tools/http.ts';
import { versitygw } from './tools.ts';

const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'verify', AWS_SECRET_ACCESS_KEY: 'verify-secret' };

/**
 * @param use gets what the environment of a client must have
 * @throws FanoutError TOOL_UNAVAILABLE, STACK_FAILED
 */
export async function withVersitygw<T>(use: (env: Record<string, string>) => Promise<T>): Promise<T> {
  const command = await versitygw();
  const port = await freePorts(Math.random).next();
  const endpoint = `http://${LOOPBACK_HOST}:${port}`;
  const reaper = startReaper();
  const dir = await mkdtemp(join(tmpdir(), 'datafile-fanout-versitygw-'));
  reaper.owns(dir);
  const readiness = () =>
    fetch(endpoint).then(
      // Unsigned, so that any answer is a refusal.
      async (response) => (await response.arrayBuffer()) !== undefined,
      () => false, // Not listening yet.
    );
  const { AWS_ACCESS_KEY_ID: access, AWS_SECRET_ACCESS_KEY: secret } = CREDENTIALS;
  const listen = ['--port', `${LOOPBACK_HOST}:${port}`, '--access', access, '--secret', secret, '--quiet'];
  // Objects' metadata beside them: not every temporary folder has extended attributes.
  const args = [...listen, 'posix', '--sidecar', join(dir, 'metadata'), join(dir, 'objects')];
  await Promise.all(['metadata', 'objects'].map((name) => mkdir(join(dir, name))));
  const server = new Part({ name: 'versitygw', command, args, readiness }, reaper);
  try {
    await server.start();
    return await use({ ...CREDENTIALS, AWS_REGION: 'us-east-1', S3_ENDPOINT: endpoint });
  } finally {
    await server.stop();
    await rm(dir, { recursive: true, force: true });
    await reaper.close();
  }
}
