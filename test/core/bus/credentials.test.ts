// Credentials of the bus as people write them: in URLs, and as the pasted text of a .creds file.

import { credsAuthenticator } from 'nats.ws';
import { describe, expect, it } from 'vitest';
import { credsProblem, normalizeCreds, readBusUrls } from '../../../core/bus/credentials.ts';
import { CREDS } from '../../support/bus/creds.ts';

describe('the text of a .creds file', () => {
  it.each([
    ['as it is', CREDS],
    ['trimmed', CREDS.trim()],
    ['with CRLF', CREDS.replaceAll('\n', '\r\n')],
    ['with CRLF, trimmed', CREDS.trim().replaceAll('\n', '\r\n')],
    ['with \\n as two characters', CREDS.trim().replaceAll('\n', '\\n')],
    ['with \\r\\n', CREDS.replaceAll('\n', '\\r\\n')],
    ['in quotes', JSON.stringify(CREDS)],
    ['with a byte order mark', `\uFEFF${CREDS}`],
  ])('%s is read by the client', (_, text) => {
    const creds = normalizeCreds(text);
    expect(credsProblem(creds)).toBeNull();
    const authenticate = credsAuthenticator(new TextEncoder().encode(creds));
    // Read up to the seed, which no server knows and whose checksum is wrong.
    expect(() => authenticate('nonce')).toThrow(/checksum/i);
  });

  it.each([
    ['', 'holds no USER JWT'],
    ['a path', 'holds no USER JWT'],
    [CREDS.slice(0, CREDS.indexOf('-----BEGIN USER NKEY')), 'holds no USER NKEY SEED'],
    [CREDS.replace(/eyJ\S+/, 'jwt'), 'USER JWT that is none'],
    [CREDS.replace('SUA', 'SAA'), 'USER NKEY SEED that is none'],
  ])('the text of a .creds file is told to be none: %j', (text, problem) =>
    expect(credsProblem(normalizeCreds(text))).toContain(problem),
  );
});

describe('URLs of the bus', () => {
  it('URLs of the bus may hold the user of all of them', () => {
    expect(readBusUrls(['ws://u:p%40@a:1', 'wss://u:p%40@b'])).toEqual({
      servers: ['ws://a:1', 'wss://b'],
      credentials: { user: 'u', password: 'p@' },
      problem: null,
    });
    expect(readBusUrls(['wss://token@a'])).toMatchObject({ credentials: { token: 'token' } });
    expect(readBusUrls(['wss://a'])).toEqual({ servers: ['wss://a'], credentials: {}, problem: null });
  });

  it.each([
    [['wss://u:hush-p@a', 'wss://b'], 'different credentials'],
    [['wss://u:hush-p@a', 'wss://u:other@b'], 'different credentials'],
    [['nats://u:hush-p@a'], 'is "nats://a" but must be ws:// or wss:// URLs'],
    [['ws://a b'], 'must be ws://'],
    [['a:4222'], 'must be ws://'],
  ])('URLs of the bus are told to be wrong: %j', (urls, problem) => {
    const found = readBusUrls(urls).problem;
    expect(found).toContain(problem);
    expect(found).not.toContain('hush-');
  });
});
