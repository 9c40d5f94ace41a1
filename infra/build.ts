// `npm run build`: one minified ES module with its source map per Lambda, and one (with lazily loaded chunks) for the
// agent. Knows entry files and sizes, nothing of what the code does.

import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { type BuildOptions, build as esbuild, type Metafile, version } from 'esbuild';
import { messageOf } from '../core/errors.ts';
import { type KeptBuildOptions, readKept, writeKept } from './build-cache.ts';
import { tellFailure, UsageError } from './local/cli.ts';

export const ROOT_DIR = dirname(dirname(fileURLToPath(import.meta.url)));
export const LAMBDA_NAMES = ['webhook', 'bridge', 'reconcile'] as const;

export interface Bundle {
  readonly name: string;
  /** Source file, relative to the root folder. */
  readonly entry: string;
  /** Programs of the same folder that it starts: source files, each named like its output. */
  readonly beside?: readonly string[];
  /** Main output file, relative to the root folder; everything else in its folder belongs to the bundle too. */
  readonly outFile: string;
  /** Lets `import()` become files of their own, so that starting does not wait for what is loaded later. */
  readonly splitting: boolean;
}

export interface BundleSize {
  readonly name: string;
  readonly outFile: string;
  /** The main file and what it imports statically: what is loaded before the first line runs. */
  readonly bytes: number;
  readonly gzipBytes: number;
  /** Bytes per package after minifying, the heaviest first; `(ours)` is this project. All chunks count. */
  readonly packages: readonly { readonly name: string; readonly bytes: number }[];
}

export const BUNDLES: readonly Bundle[] = [
  ...LAMBDA_NAMES.map((name) => ({
    name,
    entry: `functions/${name}/handler.ts`,
    outFile: `dist/functions/${name}/index.mjs`,
    splitting: false,
  })),
  {
    ...{ name: 'agent', entry: 'infra/launch/agent.ts', beside: ['agent/worker-main.ts'] },
    ...{ outFile: 'dist/agent/main.mjs', splitting: true },
  },
  { name: 'cli', entry: 'infra/launch/cli.ts', outFile: 'dist/cli/main.mjs', splitting: true },
  { name: 'receiver', entry: 'infra/launch/receiver.ts', outFile: 'dist/receiver/main.mjs', splitting: true },
];

const OPTIONS = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minify: true,
  // Stack traces need the mappings only; the sources themselves would double the zip.
  sourcemap: 'linked',
  sourcesContent: false,
  legalComments: 'none',
  // The packages' ES modules shake; their CommonJS twins, which esbuild prefers for Node, do not (a fifth of the bytes).
  mainFields: ['module', 'main'],
  metafile: true,
  write: false,
  logLevel: 'warning',
} as const satisfies BuildOptions;

const CHUNK_PREFIX = 'chunk-';

/** What decides how sources are found and read, beside them. */
const RULES_FILES = ['package-lock.json', 'tsconfig.json'];

/** esbuild's stand-in for `require` throws in an ES module; CommonJS packages that ask for `fs` need a real one. */
const REQUIRE_BANNER =
  "import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);";

/**
 * Brings every bundle in dist/ up to date; one whose sources are as they were stays. A reader never sees half a file, and
 * files of an earlier build do not linger.
 */
export async function build(): Promise<void> {
  await buildBundles(BUNDLES);
}

/** @param rootDir what the bundles' paths are relative to. @throws esbuild's BuildFailure, which names file and line */
export async function buildBundles(
  bundles: readonly Bundle[],
  rootDir: string = ROOT_DIR,
): Promise<BundleSize[]> {
  const sizes: BundleSize[] = [];
  // One after another: esbuild uses every core for a single bundle already.
  for (const bundle of bundles) sizes.push(await buildBundle(bundle, rootDir));
  return sizes;
}

async function buildBundle(bundle: Bundle, rootDir: string): Promise<BundleSize> {
  const kept = { rootDir, name: bundle.name, rules: [version, OPTIONS, REQUIRE_BANNER, bundle] };
  return (await readKept<BundleSize>(kept)) ?? (await buildAnew(bundle, rootDir, kept));
}

async function buildAnew(bundle: Bundle, rootDir: string, kept: KeptBuildOptions): Promise<BundleSize> {
  const options: BuildOptions & typeof OPTIONS = {
    ...OPTIONS,
    absWorkingDir: rootDir,
    entryPoints: [
      { in: bundle.entry, out: basename(bundle.outFile, '.mjs') },
      ...(bundle.beside ?? []).map((path) => ({ in: path, out: basename(path, '.ts') })),
    ],
    outdir: dirname(bundle.outFile),
    outExtension: { '.js': '.mjs' },
    chunkNames: `${CHUNK_PREFIX}[hash]`,
    splitting: bundle.splitting,
  };
  let result = await esbuild(options);
  if (requiresAtRuntime(result.metafile)) {
    result = await esbuild({ ...options, banner: { js: REQUIRE_BANNER } });
  }
  const files = new Map(result.outputFiles.map((file) => [file.path, file.contents]));
  await replaceFolder(join(rootDir, dirname(bundle.outFile)), files);
  const size = measure(bundle, rootDir, result.metafile, files);
  const { inputs, outputs } = result.metafile;
  await writeKept(kept, [...RULES_FILES, ...Object.keys(inputs), ...Object.keys(outputs)], size);
  return size;
}

const requiresAtRuntime = (metafile: Metafile): boolean =>
  Object.values(metafile.outputs).some((output) =>
    output.imports.some(({ kind, external }) => kind === 'require-call' && external === true),
  );

/** An agent that runs may yet load a chunk of the build that it was started from. */
const CHUNKS_KEPT_MS = 60 * 60 * 1000;

/**
 * Other processes may be starting from this folder: each file is renamed into place, what others import before the file
 * that imports it, and old chunks are removed only when no starting process can still import them.
 */
async function replaceFolder(folder: string, files: ReadonlyMap<string, Uint8Array>): Promise<void> {
  await mkdir(folder, { recursive: true });
  const isProgram = (path: string) => Number(!basename(path).startsWith(CHUNK_PREFIX));
  const inOrder = [...files].sort(([a], [b]) => isProgram(a) - isProgram(b));
  for (const [path, contents] of inOrder) {
    const temporary = `${path}.${process.pid}.tmp`;
    await writeFile(temporary, contents, { mode: isScript(contents) ? 0o755 : 0o644 });
    await rename(temporary, path);
  }
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    const mayBeWanted = name.startsWith(CHUNK_PREFIX) || name.endsWith('.tmp');
    if (files.has(path) || (mayBeWanted && (await ageMs(path)) < CHUNKS_KEPT_MS)) continue;
    await rm(path, { recursive: true, force: true });
  }
}

const isScript = (contents: Uint8Array): boolean => contents[0] === 0x23 && contents[1] === 0x21;

/** Infinity when it is gone, which is what the caller wants of it. */
const ageMs = (path: string): Promise<number> =>
  stat(path).then(
    ({ mtimeMs }) => Date.now() - mtimeMs,
    () => Number.POSITIVE_INFINITY,
  );

function measure(
  bundle: Bundle,
  rootDir: string,
  metafile: Metafile,
  files: ReadonlyMap<string, Uint8Array>,
): BundleSize {
  let bytes = 0;
  let gzipBytes = 0;
  for (const path of loadedAtStart(bundle.outFile, metafile)) {
    const contents = files.get(join(rootDir, path)) ?? new Uint8Array();
    bytes += contents.byteLength;
    gzipBytes += gzipSync(contents).byteLength;
  }
  const { name, outFile } = bundle;
  return { name, outFile, bytes, gzipBytes, packages: weighPackages(metafile) };
}

function loadedAtStart(outFile: string, metafile: Metafile): Set<string> {
  const loaded = new Set([outFile]);
  for (const path of loaded) {
    for (const imported of metafile.outputs[path]?.imports ?? []) {
      // A launcher imports its program dynamically, and at once.
      const isLoaded = imported.kind === 'import-statement' || path === outFile;
      if (isLoaded && imported.external !== true) loaded.add(imported.path);
    }
  }
  return loaded;
}

function weighPackages(metafile: Metafile): { name: string; bytes: number }[] {
  const bytesOf = new Map<string, number>();
  for (const output of Object.values(metafile.outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
      const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '(ours)';
      bytesOf.set(name, (bytesOf.get(name) ?? 0) + bytesInOutput);
    }
  }
  return [...bytesOf].map(([name, bytes]) => ({ name, bytes })).sort((a, b) => b.bytes - a.bytes);
}

const KIB = 1024;
const HEAVIEST_SHOWN = 4;

/** The sizes as an aligned table, one bundle a line. */
export function sizeTable(sizes: readonly BundleSize[]): string {
  const kib = (bytes: number) => `${(bytes / KIB).toFixed(0)} KiB`.padStart(9);
  return sizes
    .map(({ outFile, bytes, gzipBytes, packages }) => {
      const heaviest = packages.slice(0, HEAVIEST_SHOWN).map((one) => `${one.name} ${kib(one.bytes).trim()}`);
      return `${outFile.padEnd(36)}${kib(bytes)}${kib(gzipBytes)} gzip   ${heaviest.join(', ')}`;
    })
    .join('\n');
}

async function main(): Promise<void> {
  const values = parseOptions();
  if (values.help) {
    console.log(
      'npm run build -- [--json]\n\nBundles the Lambdas and the agent into dist/; --json prints sizes on standard output.',
    );
    return;
  }
  const sizes = await buildBundles(BUNDLES);
  console.error(sizeTable(sizes));
  if (values.json) console.log(JSON.stringify(sizes));
}

function parseOptions() {
  try {
    return parseArgs({ options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } })
      .values;
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

const mainOrExit = () =>
  main().catch((error: unknown) => {
    process.exitCode = tellFailure('build', error);
  });

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href)
  await mainOrExit();
