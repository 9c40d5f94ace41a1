// Checks of the dependencies that need no network: that each is pinned by its hash, comes from a registry, runs
// nothing while it is installed, and may be used. Pure: reads what it is given.

export interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly hasInstallScript?: boolean;
  readonly dev?: boolean;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Lockfile {
  readonly lockfileVersion?: number;
  /** By path; the project itself under the empty one. */
  readonly packages?: Readonly<Record<string, LockedPackage>>;
}

/** Production packages whose install script is known, with what it does. */
const SCRIPTS_ALLOWED: ReadonlyMap<string, string> = new Map([
  ['protobufjs', 'prints a warning about version ranges; nothing is built or fetched'],
]);
const LICENCES: ReadonlySet<string> = new Set([
  ...['MIT', 'MIT-0', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0', 'Unlicense'],
  '(AFL-2.1 OR BSD-3-Clause)',
]);
/** Tools that we run and do not ship. */
const LICENCES_OF_TOOLS: ReadonlySet<string> = new Set([
  ...LICENCES,
  ...['MPL-2.0', 'Python-2.0', 'PSF-2.0', 'MIT OR Apache-2.0'],
]);
/** Packages that name no licence in their manifest, with the one that their repository has. */
const LICENCES_ELSEWHERE: ReadonlyMap<string, string> = new Map([
  ['@openfeature/ofrep-core', 'Apache-2.0'],
  ['@openfeature/ofrep-provider', 'Apache-2.0'],
]);

/** A range of versions, or another package of the registry under this name; neither a URL, a repository nor a folder. */
const FROM_REGISTRY = /^(npm:(@[\w.-]+\/)?[\w.-]+@)?[\w\s.^~<>=|*+-]+$/;
const SHA512 = /^sha512-[A-Za-z0-9+/]{86}==$/;
const FOLDER = 'node_modules/';

/** Everything that is wrong, in words; empty when nothing is. */
export function lockfileProblems({ lockfileVersion, packages = {} }: Lockfile): string[] {
  const problems: string[] = [];
  if (lockfileVersion !== 3) problems.push(`lockfileVersion is ${lockfileVersion}, not 3`);
  if (Object.keys(packages).length < 2) problems.push('the lockfile names no packages');
  for (const [path, locked] of Object.entries(packages)) {
    const { dependencies, devDependencies, optionalDependencies } = locked;
    for (const [name, range] of Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    }))
      if (!FROM_REGISTRY.test(range)) problems.push(`${path || 'the project'} takes ${name} from ${range}`);
    if (path !== '') problems.push(...packageProblems(path, locked));
  }
  return problems;
}

function packageProblems(path: string, locked: LockedPackage): string[] {
  const problems: string[] = [];
  const name = path.slice(path.lastIndexOf(FOLDER) + FOLDER.length);
  const { version, integrity, resolved, dev = false, hasInstallScript, link } = locked;
  if (!path.startsWith(FOLDER) || link) problems.push(`${path} is a folder, not a package of the registry`);
  if (!/^\d+\.\d+\.\d+/.test(version ?? '')) problems.push(`${path} has no version but ${version}`);
  if (!SHA512.test(integrity ?? '')) problems.push(`${path} has no SHA-512 to hold it against`);
  if (resolved !== undefined) problems.push(`${path} names where it came from: remove "resolved"`);
  if (hasInstallScript && !dev && !SCRIPTS_ALLOWED.has(name))
    problems.push(`${path} runs a script while it is installed`);
  const licence = locked.license ?? LICENCES_ELSEWHERE.get(name) ?? 'none';
  if (!(dev ? LICENCES_OF_TOOLS : LICENCES).has(licence)) problems.push(`${path} has the licence ${licence}`);
  return problems;
}
