import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { answer, pathOf, serveHttp } from '../../../../infra/local/tools/http.ts';
import type { Machine } from '../../../../infra/local/tools/machine.ts';
import { ensureNatsServer, findNatsServer } from '../../../../infra/local/tools/nats-install.ts';
import {
  NATS_RELEASE,
  type NatsRelease,
  releasePlatform,
} from '../../../../infra/local/tools/nats-release.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian\n';
const UBUNTU = 'ID=ubuntu\nID_LIKE=debian\n';
const FEDORA = 'ID=fedora\n';

/** A machine on which only `programs` exist and `apt-get` does what `run` says. */
function machine(more: Partial<Machine> & { programs?: string[] } = {}): Machine & { ran: string[] } {
  const { programs = [], ...rest } = more;
  const ran: string[] = [];
  return {
    env: { PATH: '/opt/a:/opt/b' },
    platform: 'linux',
    arch: 'x64',
    isRoot: false,
    cacheDir: '/cache',
    osRelease: FEDORA,
    isExecutable: async (path) => programs.includes(path),
    run: async (command, args) => void ran.push([command, ...args].join(' ')),
    ...rest,
    ran,
  };
}

/** A download host with one release whose program is a shell script. */
async function releaseHost(dir: string): Promise<NatsRelease> {
  const name = 'nats-server-v9.9.9-linux-amd64';
  await mkdir(join(dir, name));
  await writeFile(join(dir, name, 'nats-server'), '#!/bin/sh\necho nats-server: v9.9.9\n');
  await chmod(join(dir, name, 'nats-server'), 0o644);
  await promisify(execFile)('tar', ['-czf', 'release.tar.gz', name], { cwd: dir });
  const archive = await readFile(join(dir, 'release.tar.gz'));
  const server = await serveHttp(async (request, response) => {
    const found = pathOf(request) === `/v9.9.9/${name}.tar.gz`;
    answer(response, found ? 200 : 404, {}, found ? archive : '');
  }, 0);
  onTestFinished(() => server.close());
  const sha256 = createHash('sha256').update(archive).digest('hex');
  return {
    version: '9.9.9',
    downloadUrl: server.url,
    archives: { 'linux-amd64': sha256, 'linux-arm64': sha256 },
  };
}

describe('finding nats-server', () => {
  it('takes NATS_SERVER before anything else', async () => {
    const env = { NATS_SERVER: '/mine/nats-server', PATH: '/opt/a' };
    const here = machine({ env, programs: ['/mine/nats-server', '/opt/a/nats-server'] });
    expect(await findNatsServer(here, NATS_RELEASE)).toBe('/mine/nats-server');
  });

  it('fails when NATS_SERVER names nothing, and does not take another', async () => {
    const here = machine({ env: { NATS_SERVER: '/gone', PATH: '/opt/a' }, programs: ['/opt/a/nats-server'] });
    await expect(findNatsServer(here, NATS_RELEASE)).rejects.toMatchObject({
      code: 'TOOL_UNAVAILABLE',
      message: 'NATS_SERVER names /gone, which is not a program',
    });
  });

  it('then looks along PATH, in /usr/sbin, and in the cache folder', async () => {
    const cached = `/cache/nats-server-v${NATS_RELEASE.version}/nats-server`;
    expect(await findNatsServer(machine({ programs: ['/opt/b/nats-server', cached] }), NATS_RELEASE)).toBe(
      '/opt/b/nats-server',
    );
    expect(await findNatsServer(machine({ programs: ['/usr/sbin/nats-server'] }), NATS_RELEASE)).toBe(
      '/usr/sbin/nats-server',
    );
    expect(await findNatsServer(machine({ programs: [cached] }), NATS_RELEASE)).toBe(cached);
    expect(await findNatsServer(machine(), NATS_RELEASE)).toBeUndefined();
  });
});

describe('installing nats-server', () => {
  it.each([DEBIAN, UBUNTU])(
    'takes the package as root on Debian and Ubuntu and says so',
    async (osRelease) => {
      const programs: string[] = [];
      const said: string[] = [];
      const here = machine({ cacheDir: await tempDir(), osRelease, isRoot: true, programs });
      const run: Machine['run'] = async (command, args) => {
        await here.run(command, args);
        if (args[0] === 'install') programs.push('/usr/sbin/nats-server');
      };
      expect(await ensureNatsServer({ ...here, run }, NATS_RELEASE, (line) => said.push(line))).toBe(
        '/usr/sbin/nats-server',
      );
      expect(here.ran).toEqual([
        'apt-get update -qq',
        'apt-get install -y -qq -o=Dpkg::Use-Pty=0 --no-install-recommends nats-server',
      ]);
      expect(said).toEqual([
        'nats-server is not on this machine: apt-get update',
        'apt-get install nats-server',
      ]);
    },
  );

  it('otherwise downloads the pinned release, checks it and leaves a program that runs', async () => {
    const cacheDir = join(await tempDir(), 'cache');
    const release = await releaseHost(await tempDir());
    const said: string[] = [];
    const here = machine({ cacheDir, osRelease: DEBIAN });
    const path = await ensureNatsServer(here, release, (line) => said.push(line));
    expect((await promisify(execFile)(path)).stdout).toBe('nats-server: v9.9.9\n');
    expect(here.ran).toEqual([]);
    expect(said[0]).toMatch(/^nats-server is not on this machine: downloading http.*amd64\.tar\.gz$/);
    expect(await findNatsServer(machine({ cacheDir, programs: [path] }), release)).toBe(path);
  });

  it('downloads when the package cannot be installed, and says why', async () => {
    const release = await releaseHost(await tempDir());
    const said: string[] = [];
    const run = () => Promise.reject(new Error('no network'));
    const here = machine({ cacheDir: await tempDir(), osRelease: DEBIAN, isRoot: true, run });
    await ensureNatsServer(here, release, (line) => said.push(line));
    expect(said).toContain('apt-get could not install nats-server: no network');
  });

  it('happens once when several processes miss it at the same time', async () => {
    const programs: string[] = [];
    const cacheDir = await tempDir();
    const here = machine({ cacheDir, osRelease: DEBIAN, isRoot: true, programs });
    const run: Machine['run'] = async (command, args) => {
      await here.run(command, args);
      await new Promise((resolve) => setImmediate(resolve));
      if (args[0] === 'install') programs.push('/usr/sbin/nats-server');
    };
    // Left by a process that was killed while it installed.
    await writeFile(join(cacheDir, 'install.lock'), '999999999');
    await Promise.all([1, 2, 3].map(() => ensureNatsServer({ ...here, run }, NATS_RELEASE, () => {})));
    expect(here.ran).toHaveLength(2);
  });

  it('refuses an archive with another hash and leaves nothing of it', async () => {
    const cacheDir = await tempDir();
    const release = await releaseHost(await tempDir());
    const forged = { ...release, archives: { 'linux-amd64': '0'.repeat(64) } };
    await expect(ensureNatsServer(machine({ cacheDir }), forged, () => {})).rejects.toMatchObject({
      code: 'TOOL_UNAVAILABLE',
      message: expect.stringMatching(/has SHA-256 [0-9a-f]{64}, not the published 0{64}$/),
    });
    expect(await findNatsServer(machine({ cacheDir }), forged)).toBeUndefined();
  });

  it('says what to do where there is no release for the machine, or no way to it', async () => {
    await expect(
      ensureNatsServer(
        machine({ cacheDir: await tempDir(), platform: 'darwin', arch: 'arm64' }),
        NATS_RELEASE,
        () => {},
      ),
    ).rejects.toMatchObject({
      message: 'There is no pinned nats-server for darwin-arm64',
      remedy: expect.stringContaining('brew install nats-server'),
    });
    const unreachable = { ...NATS_RELEASE, downloadUrl: 'http://127.0.0.1:1' };
    await expect(
      ensureNatsServer(machine({ cacheDir: await tempDir() }), unreachable, () => {}),
    ).rejects.toMatchObject({
      message: expect.stringContaining('cannot be downloaded'),
      remedy: expect.stringContaining('NATS_SERVER='),
    });
  });

  it('pins a SHA-256 for the machines of servers and laptops', () => {
    for (const arch of ['x64', 'arm64', 'arm']) {
      expect(NATS_RELEASE.archives[releasePlatform('linux', arch)]).toMatch(/^[0-9a-f]{64}$/);
    }
  });
});
