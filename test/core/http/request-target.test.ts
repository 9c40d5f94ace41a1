import { describe, expect, it } from 'vitest';
import { originForm, settleTarget } from '../../../core/http/request-target.ts';

describe('the target of a request', () => {
  it.each([
    ['/v1/config?a=b', null, '/v1/config?a=b'],
    ['http://host/v1/config', 'host', '/v1/config'],
    ['HTTP://Host:8080/v1/decide?keys=a', 'Host:8080', '/v1/decide?keys=a'],
    ['http://user:password@host/v1/config', 'host', '/v1/config'],
    ['http://[::1]:8080/health', '[::1]:8080', '/health'],
    ['http://host', 'host', '/'],
    ['http://host?a=b', 'host', '/?a=b'],
    ['http://host/a#part', 'host', '/a'],
    ['http://host/http://other/a', 'host', '/http://other/a'],
    ['/http://other/a', null, '/http://other/a'],
    ['*', null, '*'],
  ])('%s', (target, host, path) => {
    expect(originForm(target)).toEqual({ host, path });
  });
});

describe('the head of a request', () => {
  const settle = (url: string, ...hosts: string[]) => {
    const request = {
      url,
      headers: { host: hosts[0] },
      rawHeaders: hosts.flatMap((host, i) => [i === 0 ? 'Host' : 'hOST', host]),
    };
    return { isGood: settleTarget(request), url: request.url, host: request.headers.host };
  };

  it('takes the host of its target for its own', () => {
    expect(settle('http://a.example/v1/config', 'b.example')).toEqual({
      ...{ isGood: true, url: '/v1/config', host: 'a.example' },
    });
  });

  it.each([
    [['a'], true],
    [[''], true],
    [[], true],
    [['[::1]:8080'], true],
    [['a', 'a'], false],
    [['a', 'b', 'c'], false],
    [['a b'], false],
    [['a/b'], false],
    [['a"'], false],
    [['ä.example'], false],
  ])('the head of a request with the hosts %j is good: %s', (hosts, isGood) => {
    expect(settle('/', ...hosts).isGood).toBe(isGood);
  });

  it('the head of a request is not good for a target whose host is none', () => {
    expect(settle('http://a b/', 'a').isGood).toBe(false);
  });
});
