// The bundler against two small sources of its own, and the real bundles against their limits.

import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUNDLES, type Bundle, buildBundles, LAMBDA_NAMES, ROOT_DIR, sizeTable } from '../../infra/build.ts';

const run = promisify(execFile);

describe('bundling', () => {
  const lambda: Bundle = { name: 'one', entry: 'one.ts', outFile: 'out/one/index.mjs', splitting: false };
  const server: Bundle = { name: 'two', entry: 'two.ts', outFile: 'out/two/main.mjs', splitting: true };
  let rootDir: string;

  beforeAll(async () => {
    rootDir = await mkdtemp(join(tmpdir(), 'fanout-build-'));
    await mkdir(join(rootDir, 'node_modules/old'), { recursive: true });
    const sources = {
      'package.json': '{"type":"module"}',
      'node_modules/old/package.json': '{"name":"old","main":"index.js"}',
      'node_modules/old/index.js': 'module.exports = require("node:os").EOL;',
      'one.ts': 'export const handler = async (n: number): Promise<string> => "got " + n;',
      'two.ts':
        'import eol from "old"; console.log(JSON.stringify(eol)); console.log((await import("./later.ts")).late);',
      'later.ts': 'export const late: string = "loaded later";',
    };
    for (const [name, text] of Object.entries(sources)) await writeFile(join(rootDir, name), text);
  });
  afterAll(() => rm(rootDir, { recursive: true, force: true }));

  it('makes one file and its source map, and clears away what an earlier build left', async () => {
    await mkdir(join(rootDir, 'out/one'), { recursive: true });
    await writeFile(join(rootDir, 'out/one/other.mjs'), '');
    const [size] = await buildBundles([lambda], rootDir);
    expect((await readdir(join(rootDir, 'out/one'))).sort()).toEqual(['index.mjs', 'index.mjs.map']);
    const bytes = (await readFile(join(rootDir, 'out/one/index.mjs'))).byteLength;
    expect(size).toMatchObject({
      name: 'one',
      bytes,
      packages: [{ name: '(ours)', bytes: expect.any(Number) }],
    });
    expect(sizeTable(size === undefined ? [] : [size])).toContain('out/one/index.mjs');
    const bundle = await import(join(rootDir, 'out/one/index.mjs'));
    expect(await bundle.handler(1)).toBe('got 1');
  });

  it('gives CommonJS packages a working require, and loads what is imported lazily from a file of its own', async () => {
    await buildBundles([server], rootDir);
    const { stdout } = await run(process.execPath, [join(rootDir, 'out/two/main.mjs')]);
    expect(stdout).toBe('"\\n"\nloaded later\n');
    const chunks = (await readdir(join(rootDir, 'out/two'))).filter((name) =>
      /^chunk-\w+\.mjs$|^later/.test(name),
    );
    expect(chunks.length).toBeGreaterThan(0);
  });

  it('leaves the chunks of the last hour to the processes that were started from them', async () => {
    const [young, old] = ['chunk-YOUNG.mjs', 'chunk-OLD.mjs'].map((name) => join(rootDir, 'out/two', name));
    const hourAgo = new Date(Date.now() - 61 * 60_000);
    for (const path of [young, old]) await writeFile(path ?? '', '');
    await utimes(old ?? '', hourAgo, hourAgo);
    await writeFile(join(rootDir, 'later.ts'), 'export const late: string = "loaded later still";');
    await buildBundles([server], rootDir);
    const names = await readdir(join(rootDir, 'out/two'));
    expect(names).toContain('chunk-YOUNG.mjs');
    expect(names).not.toContain('chunk-OLD.mjs');
  });

  it('builds again only what has changed, or is no longer there', async () => {
    const outFile = join(rootDir, 'out/one/index.mjs');
    const builtAt = async () => {
      const [size] = await buildBundles([lambda], rootDir);
      return { size, inode: (await stat(outFile)).ino };
    };
    const first = await builtAt();
    expect(await builtAt()).toEqual(first);
    await rm(outFile);
    const second = await builtAt();
    const source = join(rootDir, 'one.ts');
    const { atime, mtime } = await stat(source);
    const text = await readFile(source, 'utf8');
    // As long as before, and said to be as old.
    await writeFile(source, text.replace('got', 'had'));
    await utimes(source, atime, mtime);
    await builtAt();
    expect(await readFile(outFile, 'utf8')).toContain('had');
    expect(second.size).toEqual(first.size);
  });

  it('points stack traces at the source', async () => {
    await writeFile(
      join(rootDir, 'one.ts'),
      '\n\nexport const handler = () => {\n  throw new Error("oh");\n};\n',
    );
    await buildBundles([lambda], rootDir);
    const call = `import('${join(rootDir, 'out/one/index.mjs')}').then((m) => m.handler())`;
    const failed = await run(process.execPath, ['--enable-source-maps', '-e', call]).catch((error) => error);
    expect(failed.stderr).toContain('one.ts:4:');
  });

  it('fails when a source does not parse, and leaves the last good bundle', async () => {
    const before = await readFile(join(rootDir, 'out/one/index.mjs'));
    await writeFile(join(rootDir, 'one.ts'), 'export const handler = (;');
    await expect(buildBundles([lambda], rootDir)).rejects.toThrow('one.ts:1');
    expect(await readFile(join(rootDir, 'out/one/index.mjs'))).toEqual(before);
  });
});

describe('the built bundles', () => {
  const GZIP_BYTES_MAX = 400_000;

  it.each(LAMBDA_NAMES)('%s is one file under the limit that keeps cold starts short', async (name) => {
    const folder = join(ROOT_DIR, 'dist/functions', name);
    expect((await readdir(folder)).sort()).toEqual(['index.mjs', 'index.mjs.map']);
    expect(gzipSync(await readFile(join(folder, 'index.mjs'))).byteLength).toBeLessThanOrEqual(
      GZIP_BYTES_MAX,
    );
  });

  it('each Lambda loads on its own, without node_modules beside it', async () => {
    const env = {
      FANOUT_BUCKET: 'bucket',
      FANOUT_NATS_URL: 'ws://127.0.0.1:1',
      FANOUT_PROJECTS: '[{"projectId":"1","secrets":["s"],"datafiles":[{"sdkKey":"k","environment":"e"}]}]',
      FANOUT_TOPIC_ARN: 'arn:aws:sns:us-east-1:000000000000:topic',
      AWS_REGION: 'us-east-1',
    };
    const alone = await mkdtemp(join(tmpdir(), 'fanout-alone-'));
    try {
      for (const { name, outFile } of BUNDLES.filter(({ outFile }) =>
        outFile.startsWith('dist/functions/'),
      )) {
        await copyFile(join(ROOT_DIR, outFile), join(alone, `${name}.mjs`));
        const script = `import('./${name}.mjs').then((m) => console.log(typeof m.handler))`;
        const { stdout } = await run(process.execPath, ['-e', script], { cwd: alone, env });
        // The webhook rehearses while it is loaded, and warns where there is nothing to rehearse with.
        expect(stdout.trim().split('\n').at(-1)).toBe('function');
      }
    } finally {
      await rm(alone, { recursive: true, force: true });
    }
  });
});
