// The pinned nats-server for machines that have none and no package for it: which release, what its archives hash to,
// and how it gets into the cache folder. Trusts nothing but the hashes.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { FanoutError, messageOf } from '../../../core/errors.ts';
import type { Progress } from '../cli.ts';

const run = promisify(execFile);

export interface NatsRelease {
  readonly version: string;
  /** Base of `/v<version>/nats-server-v<version>-<platform>.tar.gz`. */
  readonly downloadUrl: string;
  /** `<os>-<arch>` in the release's own words → SHA-256 of the archive. */
  readonly archives: Readonly<Record<string, string>>;
}

/** Hashes as published in nats-io/nats-docker, 2.10.x/alpine3.22/Dockerfile. */
export const NATS_RELEASE: NatsRelease = {
  version: '2.10.29',
  downloadUrl: 'https://github.com/nats-io/nats-server/releases/download',
  archives: {
    'linux-amd64': 'e314da74a83a1d3876db8814c27eb990fe729640fd6452025b441bcede8390da',
    'linux-arm64': 'da4b27942ecfb4c5f0c54553d2e7f470ddda9d7581cfe8131b351a0e223ed401',
    'linux-arm7': 'a59e7336a32ef78b0ca8bc3e6707a5770461d3f45c4c2f96cfef263f26eaefd5',
  },
};

const DOWNLOAD_TIMEOUT_MS = 120_000;
/** The archive of a release has about 6 MB. */
const ARCHIVE_BYTES_MAX = 100 * 1024 * 1024;

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64', arm: 'arm7' };

export const releasePlatform = (platform: string, arch: string): string =>
  `${platform}-${ARCHITECTURES[arch] ?? arch}`;

/** Where the release lies once it is installed. */
export const cachedServer = (cacheDir: string, release: NatsRelease): string =>
  join(cacheDir, `nats-server-v${release.version}`, 'nats-server');

/**
 * Downloads, checks and unpacks the release; returns the program's path.
 * @throws FanoutError TOOL_UNAVAILABLE
 */
export async function installRelease(
  release: NatsRelease,
  platform: string,
  cacheDir: string,
  progress: Progress,
): Promise<string> {
  const sha256 = release.archives[platform];
  if (sha256 === undefined) throw unavailable(`There is no pinned nats-server for ${platform}`);
  const name = `nats-server-v${release.version}-${platform}`;
  const url = `${release.downloadUrl}/v${release.version}/${name}.tar.gz`;
  progress(`nats-server is not on this machine: downloading ${url}`);
  const archive = await download(url);
  const actual = createHash('sha256').update(archive).digest('hex');
  if (actual !== sha256) throw unavailable(`${url} has SHA-256 ${actual}, not the published ${sha256}`);
  await mkdir(cacheDir, { recursive: true });
  const work = await mkdtemp(join(cacheDir, 'unpack-'));
  try {
    await writeFile(join(work, 'archive.tar.gz'), archive);
    await run('tar', ['-xzf', 'archive.tar.gz'], { cwd: work });
    const server = cachedServer(cacheDir, release);
    await mkdir(join(server, '..'), { recursive: true });
    await chmod(join(work, name, 'nats-server'), 0o755);
    // Renamed last, so that an interrupted install leaves no half a program behind.
    await rename(join(work, name, 'nats-server'), server);
    progress(`nats-server v${release.version} is checked and installed in ${cacheDir}`);
    return server;
  } catch (cause) {
    throw unavailable(`The archive of nats-server v${release.version} cannot be unpacked`, cause);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function download(url: string): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    const bytes = Number(response.headers.get('content-length') ?? 0);
    if (bytes > ARCHIVE_BYTES_MAX)
      throw new Error(`it has ${bytes} bytes, the limit is ${ARCHIVE_BYTES_MAX}`);
    return Buffer.from(await response.arrayBuffer());
  } catch (cause) {
    const text =
      cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
    throw unavailable(`${url} cannot be downloaded: ${text}`, cause);
  }
}

export const unavailable = (message: string, cause?: unknown) =>
  new FanoutError({
    code: 'TOOL_UNAVAILABLE',
    message,
    remedy:
      'Install nats-server 2.9.10 or newer (`apt-get install nats-server` as root, `brew install nats-server`, or docs.nats.io › Installing), or name one with NATS_SERVER=/path/to/nats-server.',
    retryable: false,
    cause,
  });
