// The rules for dependencies, each broken once, and the lockfile that we have.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAdvisories } from '../../../infra/audit/advisories.ts';
import { type LockedPackage, type Lockfile, lockfileProblems } from '../../../infra/audit/lockfile.ts';

const good: LockedPackage = { version: '1.2.3', integrity: `sha512-${'a'.repeat(86)}==`, license: 'MIT' };
const problemsWith = (changed: LockedPackage, path = 'node_modules/left') =>
  lockfileProblems({ lockfileVersion: 3, packages: { '': {}, [path]: { ...good, ...changed } } });

describe('the lockfile', () => {
  it('of this project keeps all rules', () => {
    const path = join(import.meta.dirname, '../../../package-lock.json');
    expect(lockfileProblems(JSON.parse(readFileSync(path, 'utf8')) as Lockfile)).toEqual([]);
  });

  it('may hold packages of the registry, pinned by hash', () => {
    expect(problemsWith({ dependencies: { a: '^1.0.0 || >=2', b: '*', c: 'npm:@x/real@1.2.3' } })).toEqual(
      [],
    );
    expect(problemsWith({ dev: true, hasInstallScript: true, license: 'MPL-2.0' })).toEqual([]);
    expect(problemsWith({ hasInstallScript: true }, 'node_modules/a/node_modules/protobufjs')).toEqual([]);
  });

  it.each<[string, LockedPackage, string]>([
    ['no hash', { integrity: undefined as never }, 'has no SHA-512'],
    ['a weak hash', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, 'has no SHA-512'],
    ['an address', { resolved: 'https://registry.example/left.tgz' }, 'remove "resolved"'],
    ['a script at install', { hasInstallScript: true }, 'runs a script'],
    ['no licence', { license: undefined as never }, 'has the licence none'],
    ['a licence that we may not ship', { license: 'GPL-3.0' }, 'has the licence GPL-3.0'],
    ['a licence that only tools may have', { license: 'MPL-2.0' }, 'has the licence MPL-2.0'],
    ['a repository for a version', { version: 'git+ssh://git@example.com/x.git#1' }, 'has no version'],
    ['a folder', { link: true }, 'is a folder'],
    ['a dependency from a repository', { dependencies: { a: 'github:a/b' } }, 'takes a from github:a/b'],
    ['a dependency over HTTP', { dependencies: { a: 'http://x/a.tgz' } }, 'takes a from http'],
    ['a dependency in a folder', { optionalDependencies: { a: 'file:../a' } }, 'takes a from file'],
  ])('may not hold one with %s', (_, changed, problem) => {
    expect(problemsWith(changed).join()).toContain(problem);
  });

  it('must be one', () => {
    expect(lockfileProblems({})).toHaveLength(2);
    expect(problemsWith({}, '../outside').join()).toContain('is a folder');
  });
});

describe('the answer of the registry', () => {
  it('counts from high severity on', () => {
    const vulnerabilities = {
      bad: { severity: 'critical', range: '<2' },
      poor: { severity: 'high', range: '*' },
      fair: { severity: 'moderate', range: '*' },
    };
    expect(readAdvisories(JSON.stringify({ vulnerabilities }))).toEqual({
      kind: 'found',
      packages: ['bad <2 (critical)', 'poor * (high)'],
    });
    expect(readAdvisories('{"vulnerabilities":{}}')).toEqual({ kind: 'none' });
  });

  it.each([
    ['a refusal', '{"message":"405 Method Not Allowed","statusCode":405}', 'status 405'],
    ['no connection', '{"error":{"code":"ENOTFOUND"}}', 'no connection'],
    ['nothing', '', 'npm gave no report'],
  ])('that is %s is not taken for "nothing is known"', (_, json, why) => {
    expect(readAdvisories(json)).toEqual({ kind: 'unanswered', why });
  });
});
