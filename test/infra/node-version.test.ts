// On a Node that is too old, bundles and scripts say so in one sentence, instead of what a parser or linker says.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT_DIR } from '../../infra/build.ts';

/** What is said of itself by a Node that is an older one in nothing else. */
const pretending = (version: string): string =>
  `data:text/javascript,${encodeURIComponent(
    `Object.defineProperty(process,'versions',{value:{...process.versions,node:'${version}'}})`,
  )}`;

const start = (args: readonly string[]): Promise<{ code: number; out: string; err: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, [...args], { cwd: ROOT_DIR }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });

describe.each(['agent', 'cli', 'receiver'])('the bundle of %s', (name) => {
  const bundle = join(ROOT_DIR, 'dist', name, 'main.mjs');

  it.each(['18.20.0', '20.20.0', '22.14.9'])('names the Node that it needs on %s', async (version) => {
    const { code, out, err } = await start(['--import', pretending(version), bundle, '--help']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(
      new RegExp(`^error: Node 22\\.15 or newer is needed, and this is ${version} \\(.+\\)\\.\n$`),
    );
  });

  it.each(['22.15.0', '24.0.0', '26.1.0'])('starts on %s', async (version) => {
    expect(await start(['--import', pretending(version), bundle, '--help'])).toMatchObject({ code: 0 });
  });

  it('imports nothing by name before that', async () => {
    const text = await readFile(bundle, 'utf8');
    const imports = [...text.matchAll(/\bimport\s*\{([^}]*)\}\s*from\s*["']([^"']+)["']/g)].map(
      (match) => match[2],
    );
    expect(imports.filter((from) => from !== 'node:module')).toEqual([]);
  });
});

describe('npm scripts', () => {
  it('look at Node before it meets TypeScript', async () => {
    const { scripts } = JSON.parse(await readFile(join(ROOT_DIR, 'package.json'), 'utf8'));
    const ours = Object.values<string>(scripts).filter((script) => script.endsWith('.ts'));
    expect(ours.length).toBeGreaterThan(10);
    for (const script of ours) expect(script).toMatch(/^node --import \.\/infra\/launch\/scripts\.mjs /);
  });

  it('say which is needed, the one that the package names', async () => {
    const { engines } = JSON.parse(await readFile(join(ROOT_DIR, 'package.json'), 'utf8'));
    expect(engines).toEqual({ node: '>=22.18' });
    const guard = ['--import', './infra/launch/scripts.mjs', 'infra/local/flip.ts', '--help'];
    const { code, err } = await start(['--import', pretending('22.17.1'), ...guard]);
    expect({ code, err }).toEqual({
      code: 2,
      err: expect.stringMatching(/^error: Node 22\.18 or newer is needed/),
    });
    expect(await start(['--import', pretending('22.18.0'), ...guard])).toMatchObject({ code: 0 });
  });
});
