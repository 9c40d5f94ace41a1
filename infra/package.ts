// `npm run package`: bundles → one zip per Lambda → CloudFormation by osls, without network or credentials. What can be
// deployed lies in .serverless/ afterwards. Knows serverless.yml only as the file that osls reads.

import { spawn } from 'node:child_process';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Zippable, zipSync } from 'fflate';
import { BUNDLES, type Bundle, buildBundles, LAMBDA_NAMES, ROOT_DIR, sizeTable } from './build.ts';

/** serverless.yml names these zips; osls empties .serverless/ first, so they cannot be made there. */
const ZIP_DIR = join(ROOT_DIR, 'dist/lambda');
const PACKAGE_DIR = join(ROOT_DIR, '.serverless');

export const TEMPLATE_FILE = join(PACKAGE_DIR, 'cloudformation-template-update-stack.json');
export const packagedZip = (lambda: string): string => join(PACKAGE_DIR, `${lambda}.zip`);

/** Equal bundles make equal zips, so that a deploy without changes changes nothing: no clock, no owner, fixed order. */
const ZIP_ENTRY = {
  level: 9,
  mtime: new Date(1980, 0, 1),
  os: 3, // Unix, so that the next field is read as a file mode; Lambda needs the files readable by others.
  attrs: 0o100644 << 16,
} as const;

export interface PackageOptions {
  /** Skips bundling and zips what lies in dist/ (a test that has just built it). */
  readonly built?: boolean;
  /** Further arguments for osls, such as `--stage` and `--param`. */
  readonly osls?: readonly string[];
}

/** @throws Error with osls's own output when it refuses serverless.yml */
export async function packageService(options: PackageOptions = {}): Promise<void> {
  const lambdas = BUNDLES.filter(({ name }) => (LAMBDA_NAMES as readonly string[]).includes(name));
  if (options.built !== true) console.error(sizeTable(await buildBundles(lambdas)));
  await mkdir(ZIP_DIR, { recursive: true });
  for (const bundle of lambdas) await writeFile(zipPath(bundle), await zipBundle(bundle));
  await runOsls(['package', ...(options.osls ?? [])]);
  for (const bundle of lambdas) await copyFile(zipPath(bundle), packagedZip(bundle.name));
}

const zipPath = (bundle: Bundle): string => join(ZIP_DIR, `${bundle.name}.zip`);

/** The bundle and its source map, flat. @throws Error ENOENT when it is not built */
async function zipBundle({ outFile }: Bundle): Promise<Uint8Array> {
  const files: Zippable = {};
  for (const path of [outFile, `${outFile}.map`]) {
    files[basename(path)] = [await readFile(join(ROOT_DIR, path)), ZIP_ENTRY];
  }
  return zipSync(files);
}

async function runOsls(args: readonly string[]): Promise<void> {
  const bin = createRequire(import.meta.url).resolve('osls/bin/serverless.js');
  // Packaging asks AWS nothing; credentials that cannot work make sure of it, also where the shell has real ones.
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'packaging-needs-none',
    AWS_SECRET_ACCESS_KEY: 'packaging-needs-none',
    AWS_EC2_METADATA_DISABLED: 'true',
    SLS_NOTIFICATIONS_MODE: 'off',
  };
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: ROOT_DIR,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject).once('close', resolve);
  });
  if (exitCode !== 0) throw new Error(`osls package failed with exit code ${exitCode}:\n${output}`);
}

async function main(): Promise<void> {
  const osls = process.argv.slice(2);
  if (osls.includes('--help')) {
    console.log('npm run package -- [osls options such as --stage prod --param="natsUrl=wss://…"]');
    return;
  }
  await packageService({ osls });
  console.error(`The zips and the CloudFormation template are in ${basename(PACKAGE_DIR)}/`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
