// Our own rules for package-lock.json, beside those of lockfile-lint (hosts, https, the strength of hashes): no package names an
// address, none lacks a hash, none runs a script while it is installed, and its licence may be used. Pure.

export interface LockedPackage {
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
}

export interface Lockfile {
  /** By path; the project itself under the empty one. */
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

/** Production packages whose install script is known, with what it does. */
const SCRIPTS_ALLOWED: ReadonlyMap<string, string> = new Map([
  ['protobufjs', 'prints a warning about version ranges; nothing is built or fetched'],
]);
const LICENCES: ReadonlySet<string> = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'Unlicense',
  '(AFL-2.1 OR BSD-3-Clause)',
]);
/** Tools that we run and do not ship. */
const LICENCES_OF_TOOLS: ReadonlySet<string> = new Set([
  ...LICENCES,
  'MPL-2.0',
  'Python-2.0',
  'PSF-2.0',
  'MIT OR Apache-2.0',
]);
/** Packages that name no licence in their manifest, with the one that their repository has. */
const LICENCES_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['@openfeature/ofrep-core', 'Apache-2.0'],
  ['@openfeature/ofrep-provider', 'Apache-2.0'],
]);

const FOLDER = 'node_modules/';

/** Everything that is wrong, in words; empty when nothing is. */
export function lockfileProblems({ packages = {} }: Lockfile): string[] {
  const installed = Object.entries(packages).filter(([path]) => path !== '');
  if (installed.length === 0) return ['the lockfile names no packages'];
  return installed.flatMap(([path, locked]) => packageProblems(path, locked));
}

function packageProblems(path: string, locked: LockedPackage): string[] {
  const problems: string[] = [];
  const name = path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
  const { integrity, resolved, dev = false, hasInstallScript } = locked;
  // Also what a repository or a folder is named by: a package of the registry needs none.
  if (resolved !== undefined) problems.push(`${path} names where it came from: remove "resolved"`);
  if (integrity === undefined) problems.push(`${path} has no hash to hold it against`);
  if (hasInstallScript && !dev && !SCRIPTS_ALLOWED.has(name))
    problems.push(`${path} runs a script while it is installed`);
  const licence = locked.license ?? LICENCES_ELSEWHERE.get(name) ?? 'none';
  if (!(dev ? LICENCES_OF_TOOLS : LICENCES).has(licence)) problems.push(`${path} has the licence ${licence}`);
  return problems;
}
