// The agent as a process, from its sources: start, signals, exit codes.

import { realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runAgent } from '../support/agent-process.ts';
import { eventually } from '../support/eventually.ts';
import { tempDir } from '../support/temp-dir.ts';
import { datafileBody, KEY } from './support/fakes.ts';
import { startHttp, TestCdn } from './support/http.ts';

const run = (env: Record<string, string>, cwd = '.') => runAgent({ env, cwd });

const ask = (port: unknown, path: string) =>
  fetch(`http://127.0.0.1:${port}${path}`, { headers: { 'x-optimizely-sdk-key': KEY } });

describe('the agent process', () => {
  it('serves, and after SIGTERM sends its events and ends with 0', async () => {
    const cdn = await new TestCdn().start();
    onTestFinished(() => cdn.close());
    cdn.bodies.set(KEY, datafileBody(3));
    const endpoint = await startHttp(() => ({ status: 204 }));
    onTestFinished(() => endpoint.close());
    const agent = run({
      OPTIMIZELY_SDKKEYS: KEY,
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
      OPTIMIZELY_CLIENT_EVENTURL: endpoint.url,
      FANOUT_CACHE_DIR: await tempDir(),
    });
    const { apiPort } = await agent.line('agent.started');
    await agent.line('candidate.accepted');
    const response = await fetch(`http://127.0.0.1:${apiPort}/v1/decide?keys=flag_1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY },
      body: JSON.stringify({ userId: 'somebody' }),
    });
    expect(await response.json()).toMatchObject({ flagKey: 'flag_1', enabled: true });
    expect(await agent.stop()).toBe(0);
    expect(endpoint.seen.map(({ body }) => body).join()).toContain('somebody');
    expect(agent.logged.map(({ event }) => event).slice(-2)).toEqual(['agent.stopping', 'agent.stopped']);
  });

  it('serves from disk after it was killed, with nothing else there', async () => {
    const cdn = await new TestCdn().start();
    cdn.bodies.set(KEY, datafileBody(3));
    const env = {
      OPTIMIZELY_SDKKEYS: KEY,
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: cdn.template,
      FANOUT_CACHE_DIR: await tempDir(),
    };
    const first = run(env);
    await first.line('candidate.accepted');
    // The cache is written a moment after the swap.
    const { readdir } = await import('node:fs/promises');
    await eventually('the cache is written', async () =>
      (await readdir(env.FANOUT_CACHE_DIR)).some((name) => name.endsWith('.datafile')),
    );
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    await cdn.close();
    const down = {
      FANOUT_NATS_URL: 'ws://127.0.0.1:1',
      FANOUT_BUCKET: 'b',
      FANOUT_S3_ENDPOINT: 'http://127.0.0.1:1',
    };
    const second = run({ ...env, ...down, AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x' });
    const { apiPort } = await second.line('agent.started');
    const response = await ask(apiPort, '/v1/datafile');
    expect(response.status).toBe(200);
    expect(response.headers.get('x-datafile-revision')).toBe('3');
  });

  it('reads config.yaml of the folder that it is started in, as an editor on Windows leaves it, and says so', async () => {
    const folder = await tempDir();
    const path = join(folder, 'config.yaml');
    await writeFile(path, '\uFEFFname: mine\r\nsdkKeys:\r\n  - one\r\n  - two\r\n');
    const env = { OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: 'http://127.0.0.1:1/%s.json' };
    const started = await run(env, folder).line('agent.started');
    expect(started).toMatchObject({ settings: await realpath(path), sdkKeys: ['one', 'two'] });
    expect(await (await ask(started.adminPort, '/info')).json()).toMatchObject({ app_name: 'mine' });
    expect(await run(env, await tempDir()).line('agent.started')).toMatchObject({
      settings: 'no file; environment and defaults',
    });
  });

  it('ends with 2 and says everything that is wrong with its settings', async () => {
    const agent = run({ OPTIMIZELY_API_PORT: 'x', OPTIMIZELY_LOG_LEVEL: 'y' });
    const { code, error } = await agent.line('config.invalid');
    expect(code).toBe('CONFIG_INVALID');
    expect(error).toContain('OPTIMIZELY_API_PORT');
    expect(error).toContain('OPTIMIZELY_LOG_LEVEL');
    expect(await agent.ended).toBe(2);
  });

  it.each(['API', 'ADMIN', 'WEBHOOK'])('ends with 1 when its %s port is taken', async (port) => {
    const taken = await startHttp(() => ({ status: 200 }));
    onTestFinished(() => taken.close());
    const agent = run({ [`OPTIMIZELY_${port}_PORT`]: String(taken.port) });
    const { code, error, remedy } = await agent.line('agent.stopped');
    expect([code, error]).toEqual(['PORT_UNAVAILABLE', expect.stringContaining('EADDRINUSE')]);
    expect(remedy).toContain(`OPTIMIZELY_${port}_PORT`);
    expect(await agent.ended).toBe(1);
  });

  it('ends at once at the second signal', async () => {
    const stuck = await startHttp(() => ({ status: 200 }));
    onTestFinished(() => stuck.close());
    const agent = run({});
    const { apiPort } = await agent.line('agent.started');
    // A request that never comes to its end holds up the stop.
    const { connect } = await import('node:net');
    const socket = connect(Number(apiPort), '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    socket.on('error', () => {});
    socket.write(
      'POST /v1/decide HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    );
    await eventually('it is connected', () => !socket.connecting && socket.bytesWritten > 0);
    agent.child.kill('SIGTERM');
    await agent.line('agent.stopping');
    agent.child.kill('SIGTERM');
    expect(await agent.ended).toBe(1);
  });
});
