// The images as their Dockerfiles describe them, without an engine to build them: who they run as, and the agent's health
// check run as it stands there, against an agent in every way that hides one.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../../agent/config/settings.ts';
import { startDoor } from '../../agent/support/door.ts';

const ROOT = join(import.meta.dirname, '../../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const IMAGES = ['agent/Dockerfile', 'infra/receiver/Dockerfile'];

const [node, ...healthCheck] = JSON.parse(
  /^HEALTHCHECK .*\\\n {2}CMD (\[.*\])$/m.exec(read('agent/Dockerfile'))?.[1] ?? '[]',
) as string[];

/** The exit code of the health check, in an environment as the container's. */
const checkHealth = (env: Record<string, string>): Promise<number | null> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, healthCheck, { env, stdio: 'inherit' });
    child.once('error', reject);
    child.once('close', resolve);
  });

describe.each(IMAGES)('%s', (path) => {
  const text = read(path);
  const last = text.slice(text.lastIndexOf('\nFROM '));

  it('has one base, which a build may name by its digest', () => {
    expect(text.match(/^FROM \S+/gm)).toEqual([`FROM \${NODE_IMAGE}`, `FROM \${NODE_IMAGE}`]);
    expect(text.slice(0, text.indexOf('\nFROM '))).toMatch(/^ARG NODE_IMAGE=node:24-[\w-]+$/m);
  });

  it('runs as a user without rights, named by number', () => {
    expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m);
    expect(last.indexOf('USER')).toBeLessThan(last.indexOf('HEALTHCHECK'));
  });

  it('has no shell between the orchestrator’s signals and the process', () => {
    expect(last).toMatch(/^CMD \["node", .*\.mjs"\]$/m);
    expect(last).not.toMatch(/^ENTRYPOINT|^(HEALTHCHECK .*\n +)?CMD [^[]/m);
  });

  it('leaves sources, tools and secrets of the folder out', () => {
    const [first, ...kept] = read(`${path}.dockerignore`).trim().split('\n');
    expect(first).toBe('*');
    expect(kept.filter((line) => line.startsWith('!')).join()).not.toMatch(
      /!(test|\.git|\.env|\*|node_modules)/,
    );
    expect(last.match(/^COPY .*/gm)?.every((line) => line.startsWith('COPY --from=build '))).toBe(true);
  });
});

describe('the agent’s image', () => {
  const text = read('agent/Dockerfile');
  const last = text.slice(text.lastIndexOf('\nFROM '));

  it('reads /config.yaml, as those of the original do', () => {
    expect(last).toMatch(/^WORKDIR \/$/m);
    expect(last).toMatch(/^CMD \["node", .*"\/app\/agent\/main\.mjs"\]$/m);
    expect(last).toMatch(/^COPY --from=build \/build\/dist\/agent \/app\/agent$/m);
  });

  it('names the ports that the agent has without settings, and the chart opens the same', () => {
    const ports = ['api.port', 'admin.port', 'webhook.port'].map(
      (path) => SETTINGS.find((setting) => setting.path === path)?.byDefault,
    );
    expect(last).toContain(`\nEXPOSE ${ports.join(' ')}\n`);
    const deployment = read('infra/helm/datafile-fanout/templates/agent-deployment.yaml');
    const opened = [...deployment.matchAll(/containerPort: (\d+)/g)].map(([, port]) => Number(port));
    expect(opened).toEqual(ports);
    const env = read('infra/helm/datafile-fanout/templates/_agent-env.tpl');
    const set = [...env.matchAll(/OPTIMIZELY_(?:API|ADMIN|WEBHOOK)_PORT\n +value: '(\d+)'/g)];
    expect(set.map(([, port]) => Number(port))).toEqual(ports);
  });
});

describe('the health check of the agent’s image', () => {
  const env = { OPTIMIZELY_SERVER_HOST: '0.0.0.0' };

  it.each([
    ['as the image starts it', {}, {}],
    ['that clients may call by one name only', { OPTIMIZELY_SERVER_ALLOWEDHOSTS: 'flags.example.com' }, {}],
    [
      'with a certificate for another name',
      { OPTIMIZELY_SERVER_CERTFILE: 'cert.pem', OPTIMIZELY_SERVER_KEYFILE: 'key.pem' },
      { 'cert.pem': read('test/fixtures/tls/cert.pem'), 'key.pem': read('test/fixtures/tls/key.pem') },
    ],
  ])('finds an agent %s alive', async (_, settings, files) => {
    expect(node).toBe('node');
    const { adminPort } = await startDoor({ env: { ...env, ...settings }, files });
    await expect(checkHealth({ ...env, OPTIMIZELY_ADMIN_PORT: String(adminPort) })).resolves.toBe(0);
  });

  it('finds nothing where no agent is', async () => {
    await expect(checkHealth({ ...env, OPTIMIZELY_ADMIN_PORT: '1' })).resolves.toBe(1);
  });
});
