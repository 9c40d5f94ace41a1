// What credentials in a URL come to, and that no text shows them.

import { describe, expect, it } from 'vitest';
import { FanoutError, messageOf } from '../../../core/errors.ts';
import { basicAuthorization, maskUrl, maskUserInfo, takeUserInfo } from '../../../core/http/user-info.ts';

describe('credentials of a URL', () => {
  it.each([
    ['https://user:pass@host/%s.json', 'https://host/%s.json', 'user', 'pass'],
    ['ws://token@host:8080', 'ws://host:8080', 'token', ''],
    ['http://a%40b:p%2Fw%25@host', 'http://host', 'a@b', 'p/w%'],
    ['http://u:p@ss@host/a@b', 'http://host/a@b', 'u', 'p@ss'],
    ['http://u:100%@host', 'http://host', 'u', '100%'],
  ])('credentials of a URL are taken out of %s', (text, url, user, password) => {
    expect(takeUserInfo(text)).toEqual({ url, credentials: { user, password } });
    // As the platform reads them, where it reads the text at all.
    expect(new URL(text).host).toBe(new URL(url).host);
  });

  it.each(['https://host/a@b', 'https://host/?q=a:b@c', 'http://host\\u:p@x/', 'host:80', 'http://@host/'])(
    'are none in %s',
    (text) => expect(takeUserInfo(text).credentials).toBeNull(),
  );

  it('become a header in UTF-8', () => {
    expect(basicAuthorization({ user: 'ü', password: 'ß:x' })).toBe(
      `Basic ${Buffer.from('ü:ß:x').toString('base64')}`,
    );
  });
});

describe('a text shows no credentials', () => {
  it.each([
    ['cannot be constructed from a URL that includes credentials: http://u:hush@host/k.json'],
    ['is "ws://u:hu@sh@host" but must be'],
    ['is "http://u:hu/sh@host:80/x"'],
    ['at ws://u:hush@a:1, wss://hush@b'],
    ['is "u:hush@host:4222" but must be a URL'],
    ['is "u:hush/p@host" but must be a URL'],
    ['HTTPS_PROXY=u:hush@proxy:3128'],
  ])('%s', (text) => {
    const masked = maskUserInfo(text);
    expect(masked).not.toMatch(/hush|hu@|sh@|hu\/sh/);
    expect(masked).toContain('***@');
    expect(messageOf(new Error(text))).toBe(masked);
    expect(new FanoutError({ code: 'CDN_FAILED', message: text, remedy: '', retryable: true }).message).toBe(
      masked,
    );
  });

  it.each(['user@example.com wrote', 's3://bucket/a@b', 'http://host:80/a@b', '12:30:11 x', 'no sign'])(
    'and is left alone otherwise: %s',
    (text) => expect(maskUserInfo(text)).toBe(text),
  );

  it('nor the key in its query', () => {
    expect(maskUrl('https://u:p@host/x?sig=hush')).toBe('https://***@host/x?***');
  });
});
