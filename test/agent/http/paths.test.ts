// Where requests arrive: forms of the target, ends of paths, HEAD, and what is told where no route is. The original's own
// answers, but where a test says otherwise.

import { describe, expect, it } from 'vitest';
import { sendRaw, statusOf } from '../../support/raw-http.ts';
import { startDoor } from '../support/door.ts';
import { KEY } from '../support/fakes.ts';

describe('a target with scheme and host, as clients of proxies send it', () => {
  const get = (port: number, target: string, host = 'localhost') =>
    sendRaw(port, [
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Optimizely-SDK-Key: ${KEY}\r\nConnection: close\r\n\r\n`,
    ]);

  it('is routed by its path', async () => {
    const { apiPort, adminPort } = await startDoor();
    const found = await get(apiPort, 'http://localhost:8080/v1/config?a=b');
    expect(statusOf(found)).toBe(200);
    expect(found).toContain(`"sdkKey":"${KEY}"`);
    expect(statusOf(await get(apiPort, 'http://localhost/nowhere'))).toBe(404);
    expect(await get(apiPort, `http://localhost/datafiles/${KEY}.json`)).toContain('"revision":"1"');
    expect(statusOf(await get(adminPort, 'http://localhost/info'))).toBe(200);
  });

  it('is allowed or not by its own host: it stands for the header', async () => {
    const { apiPort } = await startDoor();
    expect(statusOf(await get(apiPort, 'http://localhost/v1/config', 'evil.example'))).toBe(200);
    expect(await get(apiPort, 'http://evil.example/v1/config', 'localhost')).toContain(
      'invalid request host',
    );
  });
});
