// What the environment says of the way out, as real processes take it: certificates, proxies, and a user without a home.

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tempDir } from '../../support/temp-dir.ts';

const ROOT = join(import.meta.dirname, '../../..');
const CERT = join(ROOT, 'test/fixtures/tls/cert.pem');
const WAY_OUT = join(ROOT, 'io/http/outbound-route.ts');

/** Runs lines of a program of ours in an environment of its own. */
function run(lines: string, env: Record<string, string>, as: readonly string[] = []) {
  const program = `const { openOutboundRoute } = await import(${JSON.stringify(WAY_OUT)});\n${lines}`;
  const words = [...as, process.execPath, '--input-type=module', '-e', program];
  const child = spawn(words[0] as string, words.slice(1), { env, cwd: '/' });
  let out = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
  return new Promise<string>((ended) => child.once('close', () => ended(out.trim())));
}

async function secureServer(): Promise<string> {
  const tls = { key: readFileSync(CERT.replace('cert', 'key')), cert: readFileSync(CERT) };
  const server = createServer(tls, (_, response) => response.end('secure'));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://localhost:${(server.address() as AddressInfo).port}/`;
}

const FETCH = (url: string) => `
  const { problems } = openOutboundRoute(process.env);
  const text = await fetch('${url}').then((it) => it.text(), (error) => error.cause.code);
  console.log(JSON.stringify([problems, text]));`;
const PROBLEMS =
  'const { problems, warnings } = openOutboundRoute(process.env); console.log(JSON.stringify([problems, warnings]));';

describe('certificates', () => {
  it('certificates of SSL_CERT_FILE are trusted, beside those of Node', async () => {
    const url = await secureServer();
    expect(JSON.parse(await run(FETCH(url), {}))).toEqual([[], 'DEPTH_ZERO_SELF_SIGNED_CERT']);
    expect(JSON.parse(await run(FETCH(url), { SSL_CERT_FILE: CERT }))).toEqual([[], 'secure']);
    const count = `openOutboundRoute(process.env);
      const { getCACertificates } = await import('node:tls');
      console.log(getCACertificates('default').length - getCACertificates('bundled').length);`;
    expect(await run(count, { SSL_CERT_FILE: CERT })).toBe('1');
  });

  it('certificates of SSL_CERT_DIR are trusted: each file that holds any, in each folder', async () => {
    const url = await secureServer();
    const dir = await tempDir();
    const empty = join(dir, 'empty');
    await mkdir(empty);
    await writeFile(join(dir, 'README'), 'no certificate');
    await writeFile(join(dir, 'ca.pem'), `# a comment\n${readFileSync(CERT, 'utf8')}`);
    expect(JSON.parse(await run(FETCH(url), { SSL_CERT_DIR: dir }))).toEqual([[], 'secure']);
    const [[problem]] = JSON.parse(await run(PROBLEMS, { SSL_CERT_DIR: `${dir}:${empty}` }));
    expect(problem).toBe(`SSL_CERT_DIR names "${empty}", in which no file holds a certificate`);
  });

  it.each([
    [{ SSL_CERT_FILE: '/nowhere.pem' }, 'SSL_CERT_FILE is "/nowhere.pem", which cannot be used (ENOENT'],
    [{ SSL_CERT_FILE: WAY_OUT }, 'which holds no certificate (PEM: BEGIN CERTIFICATE)'],
    [{ SSL_CERT_DIR: '/nowhere' }, 'SSL_CERT_DIR names "/nowhere", which cannot be used (ENOENT'],
  ])('certificates that are not there are a problem: %j', async (env, expected) => {
    const [[problem]] = JSON.parse(await run(PROBLEMS, env));
    expect(problem).toContain(expected);
  });

  it('certificates of NODE_EXTRA_CA_CERTS that are not there are warned of', async () => {
    const said = await run(PROBLEMS, { NODE_EXTRA_CA_CERTS: '/nowhere.pem' });
    const [problems, [warning]] = JSON.parse(said.split('\n').at(-1) ?? '');
    expect(problems).toEqual([]);
    expect(warning).toContain('NODE_EXTRA_CA_CERTS is "/nowhere.pem", which Node could not read');
  });
});

describe('a user in no passwd file, without HOME', () => {
  const as = ['setpriv', '--reuid=1000730000', '--regid=0', '--clear-groups'];
  const program = 'console.log(require("os").homedir())';
  const trial = spawnSync(as[0] as string, [...as.slice(1), process.execPath, '-e', program], {
    env: {},
    encoding: 'utf8',
  });
  const cannot = !/ENOENT/.test(trial.stderr ?? '');

  const asAnother = it.skipIf(cannot); // only root may become another user

  asAnother('has a home where nothing is: the AWS SDK finds its keys in the environment', async () => {
    const lines = `openOutboundRoute(process.env);
      const { createRequire } = await import('node:module');
      const { S3Client } = createRequire(${JSON.stringify(join(ROOT, 'package.json'))})('@aws-sdk/client-s3');
      const { accessKeyId } = await new S3Client({ region: 'us-east-1' }).config.credentials();
      console.log(accessKeyId, (await import('node:os')).homedir());`;
    const env = { AWS_ACCESS_KEY_ID: 'from-the-environment', AWS_SECRET_ACCESS_KEY: 'none' };
    expect(await run(lines, env, as)).toBe('from-the-environment /nonexistent');
    const without = await run(lines.replace('openOutboundRoute(process.env);', ''), env, as);
    expect(without).toContain('uv_os_homedir');
  });

  it('a user in no passwd file, without HOME is told from one that has a home, which stays', async () => {
    const lines = "openOutboundRoute(process.env); console.log((await import('node:os')).homedir());";
    expect(await run(lines, { HOME: '/somewhere' })).toBe('/somewhere');
  });
});
