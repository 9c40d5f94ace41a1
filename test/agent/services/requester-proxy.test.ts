// What a datafile names, behind a proxy: the host is judged as ever, the name is resolved by the proxy.

import { expect, it, onTestFinished } from 'vitest';
import { createRequester } from '../../../agent/services/requester.ts';
import { useProxies } from '../../../io/http/proxy.ts';
import { startProxy } from '../../support/http/proxy.ts';
import { realClock } from '../support/fakes.ts';
import { startHttp } from '../support/http.ts';

const GET = { method: 'GET', timeoutMs: 5_000 } as const;

it('is asked by the proxy, which may be on a network of its own', async () => {
  const platform = await startHttp(() => ({ status: 200, body: 'never' }));
  const hosts = { 'api.zaius.com:443': `127.0.0.1:${platform.port}` };
  const proxy = await startProxy({ hosts });
  // By its name, so that the name of the proxy is resolved: to an address that no datafile may name.
  const { undo } = useProxies({ HTTPS_PROXY: proxy.url.replace('127.0.0.1', 'localhost') });
  const requester = createRequester(realClock);
  onTestFinished(async () => {
    requester.close();
    undo();
    await proxy.close();
    await platform.close();
  });
  // The stand-in speaks no TLS: that this is what fails shows that it was reached.
  await expect(requester.askNamed('ODP', 'https://api.zaius.com/v3/graphql', GET)).rejects.toThrow(
    /SSL|wrong version/,
  );
  expect(proxy.asked).toEqual(['CONNECT api.zaius.com:443']);
  for (const refused of ['https://evil.example/', 'https://169.254.169.254/', 'http://api.zaius.com/'])
    await expect(requester.askNamed('ODP', refused, GET)).rejects.toMatchObject({ code: 'OUTBOUND_REFUSED' });
  expect(proxy.asked).toHaveLength(1);
});
