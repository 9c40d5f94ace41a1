import { describe, expect, it } from 'vitest';
import { linkedService } from '../../../core/http/service-link.ts';

describe('a link to a service', () => {
  it.each([
    ['OPTIMIZELY_API_PORT', 'tcp://10.96.0.11:8080', 'optimizely-api'],
    ['FANOUT_PORT', 'tcp://10.96.0.11:8090', 'fanout'],
    ['OPTIMIZELY_SERVER_SERVICE_HOST', '10.96.0.11', 'optimizely-server'],
    ['OPTIMIZELY_SERVER_SERVICE_PORT', '80', 'optimizely-server'],
    ['OPTIMIZELY_SERVER_SERVICE_PORT_HTTP', '80', 'optimizely-server'],
    ['OPTIMIZELY_SERVER_PORT_80_TCP', 'tcp://10.96.0.11:80', 'optimizely-server'],
    ['OPTIMIZELY_SERVER_PORT_80_TCP_ADDR', '10.96.0.11', 'optimizely-server'],
    ['OPTIMIZELY_SERVER_PORT_53_UDP_PROTO', 'udp', 'optimizely-server'],
  ])('a link to a service is %s=%s, to %s', (name, value, service) => {
    expect(linkedService(name, value)).toBe(service);
  });

  it.each([
    ['OPTIMIZELY_API_PORT', '8080'],
    ['OPTIMIZELY_API_PORT', undefined],
    ['OPTIMIZELY_SERVER_HOST', '0.0.0.0'],
    ['FANOUT_PORT', 'http'],
    ['OPTIMIZELY_API_PROT', 'tcp://10.96.0.11:8080'],
  ])('a link to a service is not %s=%s', (name, value) => {
    expect(linkedService(name, value)).toBe(null);
  });
});
