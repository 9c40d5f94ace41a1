import { describe, expect, it } from 'vitest';
import { VERSION } from '../../../../core/release.ts';
import packageJson from '../../../../package.json' with { type: 'json' };
import { startDoor } from '../../support/door.ts';
import { KEY } from '../../support/fakes.ts';

describe('the admin port', () => {
  it('says whose it is, in every answer', async () => {
    const { admin } = await startDoor({ file: { name: 'flags', author: 'Müller ✓', version: 'v9' } });
    const answer = await admin({ path: '/info' });
    expect(answer.json()).toEqual({
      ...{ version: 'v9', author: 'Müller ✓', app_name: 'flags', node: process.version },
      uptime: expect.stringMatching(/^(\d+h)?(\d+m)?\d+(\.\d+)?s$/),
    });
    expect((await admin({ path: '/health' })).headers).toMatchObject({
      'app-name': 'flags',
      'app-version': 'v9',
      author: 'M?ller ?',
    });
  });

  it('the admin port has the version of the package when none is set', async () => {
    const { admin } = await startDoor();
    expect(VERSION).toBe(packageJson.version);
    expect((await admin({ path: '/info' })).json().version).toBe(VERSION);
  });

  it('counts in Prometheus’ shape, or as the original does', async () => {
    const expvarDoor = await startDoor({ env: { OPTIMIZELY_ADMIN_METRICSTYPE: 'expvar' } });
    for (let i = 0; i < 3; i++) await expvarDoor.api({ path: '/v1/config' });
    const answer = await expvarDoor.admin({ path: '/metrics' });
    expect(answer.headers['content-type']).toContain('application/json');
    const counted = answer.json();
    expect(counted).toMatchObject({ 'timer.get-config.hits': 3, 'timer.decide.hits': 0, cmdline: ['agent'] });
    expect(counted['timer.get-config.responseTime']).toBeGreaterThan(0);
    expect(counted['timer.get-config.responseTimeHist.p50']).toBeLessThanOrEqual(
      counted['timer.get-config.responseTimeHist.p99'] as number,
    );
    expect(counted.memstats).toMatchObject({ HeapAlloc: expect.any(Number), Sys: expect.any(Number) });
    const prometheus = await startDoor({ env: { OPTIMIZELY_ADMIN_METRICSTYPE: 'prometheus' } });
    await prometheus.api({ path: '/v1/config' });
    expect((await prometheus.admin({ path: '/metrics' })).text).toContain(
      'route="GET /v1/config",status="200"} 1',
    );
    expect(
      (await prometheus.admin({ path: '/metrics', headers: { accept: 'application/json' } })).json(),
    ).toMatchObject({ 'timer.get-config.hits': 1 });
  });

  it('counts in Prometheus’ shape for scrapers, and as the original for all others, when nothing is said', async () => {
    const { admin } = await startDoor();
    const typeFor = async (accept: string) =>
      (await admin({ path: '/metrics', headers: { accept } })).headers['content-type'];
    expect(await typeFor('*/*')).toContain('application/json');
    expect(await typeFor('application/json')).toContain('application/json');
    expect(await typeFor('application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1')).toContain(
      'text/plain',
    );
    expect(await typeFor('text/plain;version=0.0.4')).toContain('text/plain');
  });

  it('shows its settings in the shape of the original, and no secret among them', async () => {
    const hash = 'JDJhJDA0JHdYYWtBeHVCd3IxR1R6TXBscHNxRy5pTGJJb0xqSHdqYThaMy9mQS96MDhiMHpQLkg2STU2';
    const redis = { host: 'redis://:SECRET1@cache:6380', database: 2 };
    const { admin } = await startDoor({
      env: {
        OPTIMIZELY_SDKKEYS: `${KEY}:SECRET2`,
        FANOUT_RECEIVER_URL: 'https://u:SECRET3@receiver.example/hook?key=SECRET4',
      },
      file: {
        api: {
          auth: {
            ...{ ttl: '1m', hmacSecrets: 'U0VDUkVUNQ==' },
            clients: [{ id: 'c', secretHash: hash, sdkKeys: ['k'] }],
          },
        },
        webhook: { projects: { 9300000000000123: { sdkKeys: [KEY], secret: 'SECRET6' } } },
        client: {
          userProfileService: {
            default: 'redis',
            services: {
              redis,
              rest: { host: 'http://x:SECRET7@ups/', headers: { Authorization: 'SECRET8' } },
            },
          },
        },
        cmab: { cache: { default: 'redis', services: { redis: { host: 'c', password: 'SECRET9' } } } },
      },
    });
    const { text, json } = await admin({ path: '/config' });
    expect(text).not.toContain('SECRET');
    expect(text).not.toContain('U0VDUkVUNQ');
    expect(text).not.toContain(hash.slice(0, 20));
    expect(json()).toMatchObject({
      sdkKeys: [KEY],
      api: { port: '0', maxConns: 0, auth: true, cors: { allowedOrigins: ['*'], maxAge: 300 } },
      admin: { port: '0', auth: false },
      client: {
        ...{ pollingInterval: 60_000_000_000, batchSize: 10 },
        userProfileService: {
          default: 'redis',
          services: {
            redis: { host: 'cache:6380', database: 2 },
            rest: { host: 'http://***@ups/', headers: ['Authorization'] },
          },
        },
      },
      server: { host: '127.0.0.1', readTimeout: 5_000_000_000, batchRequests: { operationsLimit: 500 } },
      webhook: {
        port: '0',
        projects: { 9300000000000123: { sdkKeys: [KEY], skipSignatureCheck: false } },
      },
      fanout: { receiverUrl: 'https://***@receiver.example/hook?***', bucket: null },
    });
  });
});
