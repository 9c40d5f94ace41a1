import { describe, expect, it } from 'vitest';
import type { Machine } from '../../../../infra/local/tools/machine.ts';
import { ensureRedisServer } from '../../../../infra/local/tools/redis-install.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const DEBIAN = 'ID=debian\n';

async function machine(
  more: Partial<Machine>,
  programs: string[] = [],
): Promise<Machine & { ran: string[] }> {
  const ran: string[] = [];
  return {
    env: { PATH: '/opt/a:/opt/b' },
    ...{ platform: 'linux', arch: 'x64', isRoot: true, cacheDir: await tempDir(), osRelease: DEBIAN },
    isExecutable: async (path) => programs.includes(path),
    run: async (command, args) => {
      ran.push([command, ...args].join(' '));
      if (args[0] === 'install') programs.push('/usr/bin/redis-server');
    },
    ...more,
    ran,
  };
}

describe('a redis-server for tests', () => {
  it('a redis-server for tests is the one that REDIS_SERVER names, else the first along PATH', async () => {
    const programs = ['/mine', '/opt/b/redis-server', '/usr/bin/redis-server'];
    const env = { PATH: '/opt/a:/opt/b', REDIS_SERVER: '/mine' };
    expect(await ensureRedisServer(await machine({ env }, programs))).toBe('/mine');
    expect(await ensureRedisServer(await machine({}, programs))).toBe('/opt/b/redis-server');
    const gone = await machine({ env: { REDIS_SERVER: '/gone' } }, programs);
    await expect(ensureRedisServer(gone)).rejects.toMatchObject({ code: 'TOOL_UNAVAILABLE' });
  });

  it("a redis-server for tests is Debian's where it can be installed", async () => {
    const here = await machine({});
    expect(await ensureRedisServer(here, () => {})).toBe('/usr/bin/redis-server');
    expect(here.ran.at(-1)).toMatch(/^apt-get install .* redis-server$/);
  });

  it.each([
    ['without the rights', { isRoot: false }],
    ['without the packages', { osRelease: 'ID=fedora\n' }],
    ['without a network', { run: () => Promise.reject(new Error('no network')) }],
  ])('a redis-server for tests cannot be had %s, and what to do is said', async (_, more) => {
    await expect(ensureRedisServer(await machine(more), () => {})).rejects.toMatchObject({
      code: 'TOOL_UNAVAILABLE',
      remedy: expect.stringContaining('REDIS_SERVER='),
    });
  });
});
