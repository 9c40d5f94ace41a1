// Style that matters is a test: one direction of imports, short files, comments that name their subject, and time,
// randomness and settings read at the entries only. Each rule lists its own exceptions, so that an exception is a
// reviewed line.

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const FILE_LINES_MAX = 400;

interface SourceFile {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly string[];
}

const IMPORT_PATTERN =
  /(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s+['"]([^'"]+)['"]/g;

const pathsIn = (folder: string, named: RegExp): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && named.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)));

function sourceFiles(folder: string): SourceFile[] {
  return pathsIn(folder, /\.(ts|mjs)$/).map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    const imports = [...text.matchAll(IMPORT_PATTERN)].map((match) => match[1] ?? match[2] ?? match[3] ?? '');
    return { path, text, imports };
  });
}

const core = sourceFiles('core');
const io = sourceFiles('io');
const functions = sourceFiles('functions');
const agent = sourceFiles('agent');
const infra = sourceFiles('infra');
const tests = sourceFiles('test');
const shipped = [...core, ...io, ...functions, ...agent];

/** First folder of what a relative import leads to. */
const folderOf = (file: SourceFile, specifier: string): string =>
  normalize(join(dirname(file.path), specifier)).split('/')[0] ?? '';

function importsOutside(files: readonly SourceFile[], allowed: readonly string[]): string[] {
  return files.flatMap((file) =>
    file.imports
      .filter((specifier) => specifier.startsWith('.') && !allowed.includes(folderOf(file, specifier)))
      .map((specifier) => `${file.path} imports ${specifier}`),
  );
}

const importersOf = (pattern: RegExp, files: readonly SourceFile[]): string[] =>
  files.filter(({ imports }) => imports.some((specifier) => pattern.test(specifier))).map(({ path }) => path);

const filesWith = (pattern: RegExp, files: readonly SourceFile[]): string[] =>
  files.filter(({ text }) => pattern.test(text)).map(({ path }) => path);

const ENTRIES = ['agent/main.ts', 'agent/worker-main.ts', 'functions/receiver/main.ts', 'infra/cli/main.ts'];
const isEntry = (path: string): boolean =>
  /^functions\/\w+\/handler\.ts$/.test(path) || ENTRIES.includes(path);

describe('dependencies point one way', () => {
  it('finds the sources it is about', () => {
    for (const files of [core, io, functions, agent, infra, tests]) expect(files.length).toBeGreaterThan(3);
    expect(shipped.flatMap(({ imports }) => imports).length).toBeGreaterThan(50);
  });

  it('core imports only core and pure parts of Node', () => {
    expect(importsOutside(core, ['core'])).toEqual([]);
    const packages = core.flatMap(({ imports }) => imports.filter((specifier) => !specifier.startsWith('.')));
    expect([...new Set(packages)].sort()).toEqual(['node:crypto', 'node:zlib']);
  });

  it('io imports core and itself, and the clients of what both sides touch', () => {
    expect(importsOutside(io, ['core', 'io'])).toEqual([]);
    const packages = io.flatMap(({ imports }) =>
      imports.filter((specifier) => !/^(\.|node:)/.test(specifier)),
    );
    expect([...new Set(packages)].sort()).toEqual(['@aws-sdk/client-s3', 'nats.ws', 'pino', 'prom-client']);
  });

  it('functions and agent import core, io and themselves', () => {
    expect(importsOutside(functions, ['core', 'io', 'functions'])).toEqual([]);
    expect(importsOutside(agent, ['core', 'io', 'agent'])).toEqual([]);
  });

  it('sources know no other source, and neither the store nor HTTP', () => {
    const sources = agent.filter(({ path }) => path.startsWith('agent/datafiles/sources/'));
    const known = sources.flatMap(({ path, imports }) =>
      imports
        .filter((specifier) =>
          /store|clients|agent\/http|\.\.\/http|^\.\/(nats|s3|disk|cdn)\.ts$/.test(specifier),
        )
        .map((to) => `${path} imports ${to}`),
    );
    expect(known).toEqual([]);
    const store = agent.find(({ path }) => path === 'agent/datafiles/store.ts');
    expect(store?.imports.filter((specifier) => /http|sources\/(nats|s3|disk|cdn)/.test(specifier))).toEqual(
      [],
    );
  });

  it('each outside client is imported in its own files only', () => {
    expect(importersOf(/^nats\.ws/, shipped)).toEqual(['io/nats.ts']);
    expect(importersOf(/^@aws-sdk\//, shipped).sort()).toEqual([
      'functions/bus/topic.ts',
      'functions/settings/secrets.ts',
      'io/s3.ts',
    ]);
    // Loading the AWS SDK takes longer than serving the first decision from disk.
    expect(filesWith(/^import (?!type )[^;]*'[./]*io\/s3\.ts'/m, agent)).toEqual([]);
    expect(importersOf(/^@redis\//, shipped)).toEqual(['agent/services/redis.ts']);
    const tracing = importersOf(/^@opentelemetry\//, shipped);
    expect(tracing.filter((path) => !path.startsWith('agent/tracing/'))).toEqual([]);
    // The module that every folder may import loads none of it.
    expect(tracing).not.toContain('agent/tracing/tracing.ts');
    expect(importersOf(/^@optimizely\//, shipped).sort()).toEqual([
      'agent/decisions/sdk-client.ts',
      'agent/decisions/sdk-types.ts',
      'functions/publish/sdk-check.ts',
    ]);
  });
});

describe('what is newer is decided in one place', () => {
  const NAMES = '(?:seq|lineage|revision|\\w*(?:Seq|Lineage|Revision))';
  const COMPARES = '(?:[=!]==|[<>]=?)';
  /** Finds log lines by the text that was typed. */
  const OF_TEXT = 'infra/cli/logs/local-logs.ts';
  // Whether there is one at all is no comparison, and `=>` and type parameters compare nothing.
  const ABSENT = '(?:null|undefined|typeof)';
  const comparison = new RegExp(
    `\\b${NAMES} ${COMPARES} (?!${ABSENT}\\b)|(?<!\\b${ABSENT}) ${COMPARES} (?:\\w+[?!]?\\.)*${NAMES}\\b(?![.(])`,
  );

  it.each([
    ['a.seq < b', true],
    ['5 >= held?.seq', true],
    ["known.lineage === 'a'", true],
    ['revision !== headRevision', true],
    ['seq === undefined', false],
    ['revision !== null', false],
    ['({ seq }) => seq', false],
    ["typeof revision === 'number'", false],
    ['head.sha256 === sha256', false],
    ['etag === revision.etag', false],
  ])('knows whether `%s` compares versions', (line, isComparison) => {
    expect(comparesVersions(line)).toBe(isComparison);
  });

  const comparesVersions = (line: string): boolean =>
    comparison.test(line.replaceAll(/typeof [\w.?]+ [=!]== '\w+'/g, ''));

  it('versions and revisions are compared in core/version.ts only', () => {
    const found = [...shipped, ...infra]
      .filter(({ path }) => !['core/version.ts', OF_TEXT].includes(path))
      .flatMap(({ path, text }) =>
        text
          .split('\n')
          .filter((line) => !/^\s*(\/\/|\*|\/\*)/.test(line) && comparesVersions(line))
          .map((line) => `${path}: ${line.trim()}`),
      );
    expect(found).toEqual([]);
  });
});

describe('time, randomness and settings are handed in', () => {
  const programs = [...shipped, ...infra.filter(({ path }) => path.startsWith('infra/cli/'))];

  it('every entry is one of the files that are looked at', () => {
    const paths = programs.map(({ path }) => path);
    expect(ENTRIES.filter((path) => !paths.includes(path))).toEqual([]);
  });

  it.each([
    ['the clock', /\bDate\.now\b(?!`)|new Date\(\)|\bperformance\.now\b|\bhrtime\b/],
    ['randomness', /\bMath\.random\b|\brandom(UUID|Bytes|Int)\b|\bgetRandomValues\b/],
    ['the environment', /\bprocess\.env\b|\{[^}]*\benv\b[^}]*\} from 'node:process'/],
  ])('only entries read %s', (_, pattern) => {
    expect(filesWith(pattern, programs).filter((path) => !isEntry(path))).toEqual([]);
  });

  it('core, the receiver and the command line start no timers: they have a clock', () => {
    const files = programs.filter(({ path }) => /^(core|functions\/receiver|infra\/cli)\//.test(path));
    expect(filesWith(/\bset(Timeout|Interval|Immediate)\(|'node:timers/, files)).toEqual([]);
  });
});

describe('files are one idea each', () => {
  it(`no file is longer than ${FILE_LINES_MAX} lines`, () => {
    const long = [...shipped, ...infra, ...tests]
      .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
      .filter(({ path, lines }) => lines > FILE_LINES_MAX && !path.startsWith('test/fixtures/'));
    expect(long).toEqual([]);
  });

  it('every shipped file begins by saying what it is for', () => {
    expect(
      [...shipped, ...infra].filter(({ text }) => !/^(#!.*\n)?\/\/ \S/.test(text)).map(({ path }) => path),
    ).toEqual([]);
  });

  it('handlers only wire', () => {
    const handlers = functions.filter(({ path }) => path.endsWith('/handler.ts'));
    expect(handlers).toHaveLength(3);
    expect(handlers.filter(({ text }) => text.split('\n').length > 41).map(({ path }) => path)).toEqual([]);
  });
});

describe('comments and test names name their subject', () => {
  const UNNAMED = /\b(?:nobody|somebody|whoever|everybody)\b/i;
  /** Lines where such a word is a name. */
  const ALLOWED = ['test/support/read-only.ts: /** The user id of the unprivileged user `nobody`. */'];
  const COMMENTED = /\.(ts|mjs|ya?ml|conf|sh|tpl)$|Dockerfile$|ignore$/;
  const COMMENT = /^\s*(?:\/\/|\/?\*|# )|\s(?:\/\/|\/\*\*?|#) /;
  const TEST_NAME = /^\s*(?:it|describe|check|\]\))(?:\.\w+)*(?:\(.*\))?\(['"`]/;

  const namesNoSubject = (line: string): boolean =>
    (COMMENT.test(line) || TEST_NAME.test(line)) && UNNAMED.test(line);

  it.each([
    ['// Nobody is told.', true],
    [' * waits for whoever comes', true],
    ['return null; // Somebody else has it.', true],
    ['# The file of nobody else', true],
    ["it('reaches everybody', () => {", true],
    ["])('%s is somebody’s', () => {", true],
    ["it.each(users)('nobody hears %s', () => {", true],
    ["decide('somebody')", false],
    ['// The agent is told.', false],
  ])('knows whether `%s` names no subject', (line, found) => {
    expect(namesNoSubject(line)).toBe(found);
  });

  it('every comment and test name says who acts, not nobody, somebody, whoever or everybody', () => {
    const files = ['core', 'io', 'functions', 'agent', 'infra', 'test'].flatMap((folder) =>
      pathsIn(folder, COMMENTED),
    );
    const found = files
      .filter((path) => path !== 'test/tidy.test.ts')
      .flatMap((path) =>
        readFileSync(join(ROOT, path), 'utf8')
          .split('\n')
          .filter(namesNoSubject)
          .map((line) => `${path}: ${line.trim()}`),
      );
    expect(found).toEqual(ALLOWED);
  });
});

describe('tests tell the truth', () => {
  it('none is skipped without a reason, and none is left focused', () => {
    expect(
      filesWith(
        /\b(it|describe|test)\.only\(/,
        tests.filter(({ path }) => path !== 'test/tidy.test.ts'),
      ),
    ).toEqual([]);
    const skips = tests.flatMap(({ path, text }) =>
      text
        .split('\n')
        .filter(
          (line) =>
            /\.(skip|skipIf|todo)\(/.test(line) &&
            !line.includes('//') &&
            !line.includes('/\\b') &&
            !line.includes('skips[which]'),
        )
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(skips).toEqual([]);
  });
});
