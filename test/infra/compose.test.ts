// The compose file with what prepare.sh makes for it: nothing left to guess, nothing secret in the repository, and settings that
// nats-server, the agent and the receiver accept once the blanks are filled in. Its schema is checked by `npm run verify`.

import { execFile } from 'node:child_process';
import { cp, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { AGENT_BUNDLE, ROOT_DIR } from '../../infra/local/stack/parts.ts';
import { ensureNatsServer } from '../../infra/local/tools/nats-install.ts';
import { NATS_DIR } from '../support/bus/shipped-nats.ts';
import { tempDir } from '../support/temp-dir.ts';

const run = promisify(execFile);
const DIR = join(ROOT_DIR, 'infra', 'compose');
const RECEIVER_BUNDLE = join(ROOT_DIR, 'dist', 'receiver', 'main.mjs');

interface Service {
  readonly profiles?: readonly string[];
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly security_opt: readonly string[];
  readonly env_file: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
}

let services: Readonly<Record<string, Service>>;
beforeAll(async () => {
  const text = await readFile(join(DIR, 'compose.yaml'), 'utf8');
  services = parse(text, { merge: true }).services;
});

/** A copy as a newcomer has it after prepare.sh. */
async function prepared(): Promise<string> {
  const root = await tempDir();
  await cp(NATS_DIR, join(root, 'nats'), { recursive: true });
  for (const name of ['compose.yaml', 'prepare.sh', 'agents.env.example', 'receiver.env.example'])
    await cp(join(DIR, name), join(root, 'compose', name));
  await run(join(root, 'compose', 'prepare.sh'));
  return join(root, 'compose');
}

async function envFile(dir: string, name: string): Promise<Record<string, string>> {
  const lines = (await readFile(join(dir, name), 'utf8')).split('\n').filter((line) => /^\w+=/.test(line));
  return Object.fromEntries(
    lines.map((line) => {
      const [, key = '', value = ''] = /^(\w+)='?(.*?)'?$/.exec(line) ?? [];
      return [key, value];
    }),
  );
}

const path = { PATH: process.env.PATH ?? '' };
/** The service's environment, with files where they are on this machine. */
const environmentOf = (name: string, dir: string) =>
  Object.fromEntries(
    Object.entries(services[name]?.environment ?? {}).map(([key, value]) => [
      key,
      value.replace('/run/certs', join(dir, 'certs')).replace(/^\/data/, join(dir, 'data')),
    ]),
  );

describe('the services', () => {
  it('the services are a bus, three agents, and on request the receiver', () => {
    expect(Object.keys(services)).toEqual(['nats', 'agent-1', 'agent-2', 'agent-3', 'receiver']);
    const onRequest = Object.entries(services).filter(([, { profiles }]) => profiles !== undefined);
    expect(onRequest.map(([name]) => name)).toEqual(['receiver']);
  });

  it('the services have no rights that they do not need, and are reached from this machine only', () => {
    for (const service of Object.values(services)) {
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'], restart: 'unless-stopped' });
      expect(service.security_opt).toContain('no-new-privileges:true');
      for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:/);
    }
  });

  it('hold no secret: those are in the .env files, which git ignores', async () => {
    for (const { environment, env_file } of Object.values(services)) {
      expect(Object.keys(environment).filter((name) => /PASSWORD|TOKEN|SECRET|PROJECTS/.test(name))).toEqual(
        [],
      );
      await expect(
        run('git', ['check-ignore', join(DIR, env_file)], { cwd: ROOT_DIR }),
      ).resolves.toBeDefined();
    }
    for (const name of (await readdir(DIR)).filter((name) => name.endsWith('.example')))
      expect(await envFile(DIR, name)).toMatchObject({ FANOUT_NATS_PASSWORD: '' });
  });
});

describe('after prepare.sh', () => {
  it('nats-server accepts what its service gives it', async () => {
    const dir = await prepared();
    const env = { ...path, ...(await envFile(dir, 'nats.env')), ...environmentOf('nats', dir) };
    const server = await ensureNatsServer();
    const { stdout, stderr } = await run(server, ['-t', '-c', join(dir, '..', 'nats', 'single.conf')], {
      env,
    });
    expect(stdout + stderr).toMatch(/is valid/);
  });

  it('agents have the password of the user agent, and need only SDK keys and a bucket', async () => {
    const dir = await prepared();
    const [bus, agents] = [await envFile(dir, 'nats.env'), await envFile(dir, 'agents.env')];
    expect(agents.FANOUT_NATS_PASSWORD).toBe(bus.NATS_AGENT_PASSWORD);
    expect(agents.FANOUT_NATS_PASSWORD).toMatch(/^k[0-9a-f]{48}$/);
    const filledIn = { OPTIMIZELY_SDKKEYS: 'KEY', FANOUT_BUCKET: 'bucket' };
    const env = { ...path, ...agents, ...environmentOf('agent-1', dir), ...filledIn };
    const { stdout } = await run(process.execPath, [AGENT_BUNDLE, '--check-config'], { env });
    expect(stdout).toMatch(/settings are right.*bus {11}1 server/s);
  });

  it('the receiver has that of the publisher, and needs only the project and a bucket', async () => {
    const dir = await prepared();
    const [bus, receiver] = [await envFile(dir, 'nats.env'), await envFile(dir, 'receiver.env')];
    expect(receiver.FANOUT_NATS_PASSWORD).toBe(bus.NATS_PUBLISHER_PASSWORD);
    const projects = (receiver.FANOUT_PROJECTS ?? '')
      .replace('"projectId":""', '"projectId":"1"')
      .replace('[""]', '["secret"]')
      .replace('"sdkKey":""', '"sdkKey":"KEY"');
    const filledIn = { FANOUT_PROJECTS: projects, FANOUT_BUCKET: 'bucket' };
    const env = { ...path, ...receiver, ...environmentOf('receiver', dir), ...filledIn };
    const { stdout } = await run(process.execPath, [RECEIVER_BUNDLE, '--check-config'], { env });
    expect(stdout).toContain('The settings are right.');
  });

  it('a second run changes nothing, and what it made is for its owner alone', async () => {
    const dir = await prepared();
    const files = ['nats.env', 'agents.env', 'receiver.env', '.env', 'certs/tls.key'];
    const read = () => Promise.all(files.map((name) => readFile(join(dir, name), 'utf8')));
    const before = await read();
    await run(join(dir, 'prepare.sh'));
    expect(await read()).toEqual(before);
    for (const name of files) expect((await stat(join(dir, name))).mode & 0o077).toBe(0);
  });
});
