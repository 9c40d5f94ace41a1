// The rules for dependencies, each broken once, and the lockfile that we have.

import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readAdvisories } from '../../../infra/audit/advisories.ts';
import { type LockedPackage, type Lockfile, lockfileProblems } from '../../../infra/audit/lockfile.ts';
import { lockfileLint } from '../../../infra/audit/lockfile-lint.ts';
import { tempDir } from '../../support/temp-dir.ts';

const LOCKFILE = join(import.meta.dirname, '../../../package-lock.json');

const good: LockedPackage = { integrity: `sha512-${'a'.repeat(86)}==`, license: 'MIT' };
const problemsWith = (changed: LockedPackage, path = 'node_modules/left') =>
  lockfileProblems({ packages: { '': {}, [path]: { ...good, ...changed } } });

describe('the lockfile', () => {
  it('the lockfile of this project keeps all rules', async () => {
    expect(lockfileProblems(JSON.parse(readFileSync(LOCKFILE, 'utf8')) as Lockfile)).toEqual([]);
    expect(await lockfileLint(LOCKFILE)).toEqual([]);
  });

  it('the lockfile may hold packages of the registry, pinned by hash', () => {
    expect(problemsWith({ dev: true, hasInstallScript: true, license: 'MPL-2.0' })).toEqual([]);
    expect(problemsWith({ hasInstallScript: true }, 'node_modules/a/node_modules/protobufjs')).toEqual([]);
  });

  it.each<[string, LockedPackage, string]>([
    ['no hash', { integrity: undefined as never }, 'has no hash'],
    ['an address', { resolved: 'https://registry.example/left.tgz' }, 'remove "resolved"'],
    ['a script at install', { hasInstallScript: true }, 'runs a script'],
    ['no licence', { license: undefined as never }, 'has the licence none'],
    ['a licence that we may not ship', { license: 'GPL-3.0' }, 'has the licence GPL-3.0'],
    ['a licence that only tools may have', { license: 'MPL-2.0' }, 'has the licence MPL-2.0'],
  ])('the lockfile may not hold one with %s', (_, changed, problem) => {
    expect(problemsWith(changed).join()).toContain(problem);
  });

  it('the lockfile must name packages', () => {
    expect(lockfileProblems({})).toEqual(['the lockfile names no packages']);
  });

  it.each([
    ['a weak hash', { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' }, 'sha512'],
    ['another host', { resolved: 'https://registry.example/pino.tgz' }, 'registry.example'],
    ['an address without https', { resolved: 'http://registry.npmjs.org/pino/-/pino.tgz' }, 'http:'],
    ['a repository', { version: 'git+ssh://git@example.com/x.git#1' }, 'git+ssh:'],
  ])('the lockfile is refused by lockfile-lint with %s', async (_, changed, said) => {
    const lockfile = JSON.parse(readFileSync(LOCKFILE, 'utf8'));
    Object.assign(lockfile.packages['node_modules/pino'], changed);
    const path = join(await tempDir(), 'package-lock.json');
    await writeFile(path, JSON.stringify(lockfile));
    expect((await lockfileLint(path)).join()).toContain(said);
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
  ])('the answer of the registry that is %s is not taken for "nothing is known"', (_, json, why) => {
    expect(readAdvisories(json)).toEqual({ kind: 'unanswered', why });
  });
});
