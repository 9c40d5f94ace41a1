// A process's credentials on the bus: their kinds, the part of them that stands in the URLs of its servers, and the text of a .creds
// file as people paste it. Pure; values never appear in a message.

import { takeUserInfo } from '../http/user-info.ts';

export interface BusCredentials {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly token?: string | undefined;
  /** Contents of a .creds file, as normalizeCreds() gives them. */
  readonly creds?: string | undefined;
}

export interface BusServers {
  /** Without credentials. */
  readonly servers: readonly string[];
  /** Of the URLs: user and password, or a token; empty where they hold none. */
  readonly credentials: BusCredentials;
  /** The problem, to follow the name of the setting; null when there is none. */
  readonly problem: string | null;
}

/** Reads `ws://user:password@host` and `ws://token@host`, as NATS' own clients do. */
export function readBusUrls(urls: readonly string[]): BusServers {
  const taken = urls.map(takeUserInfo);
  const servers = taken.map(({ url }) => url);
  const problem = servers.every(isBusUrl)
    ? null
    : `is "${servers.join(', ')}" but must be ws:// or wss:// URLs, parted by commas`;
  const all = taken.map(({ credentials }) => credentials);
  const first = all[0] ?? null;
  if (all.some((one) => one?.user !== first?.user || one?.password !== first?.password))
    return {
      servers,
      credentials: {},
      problem:
        problem ?? 'holds different credentials for its servers, but there is one user for all of them',
    };
  if (first === null) return { servers, credentials: {}, problem };
  const { user, password } = first;
  return { servers, credentials: password === '' ? { token: user } : { user, password }, problem };
}

/** Values of FANOUT_NATS_PLAINTEXT; the first is its default. */
export const PLAINTEXT_WORDS = ['refused', 'allowed'] as const;
const LOOPBACK = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * The problem where servers would be sent a password or token without TLS over a network, to follow the name of the setting;
 * null when nothing is. A .creds file's key signs, and is never sent.
 */
export function plaintextProblem(servers: readonly string[]): string | null {
  const bare = servers.filter((server) => {
    const url = URL.parse(server);
    return url?.protocol === 'ws:' && !LOOPBACK.test(url.hostname);
  });
  if (bare.length === 0) return null;
  return `is ${bare.join(', ')}, where the password or token of the bus would be readable on the way: use wss://, or set FANOUT_NATS_PLAINTEXT=allowed where the network in between is trusted`;
}

function isBusUrl(text: string): boolean {
  const url = /\s/.test(text) ? null : URL.parse(text);
  return url !== null && ['ws:', 'wss:'].includes(url.protocol) && url.hostname !== '';
}

const BLOCK = /-{3,}[^\n]*?(JWT|SEED)-{3,}\n\s*(\S+)\s*\n\s*-{3,}[^\n]*-{3,}/g;
/** A JWT, and the seed of a user's nkey (base32, as NATS writes it). */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;
const SEED = /^SU[A-Z2-7]{56}$/;

/**
 * The text of a .creds file as the client reads it, however its lines ended (CRLF, or `\n` as two characters, as JSON and
 * manifests hold it), with the line end after the last line that pasting and trimming take away.
 */
export function normalizeCreds(text: string): string {
  const lines = text
    .replace(/^\uFEFF/, '')
    .trim()
    .replace(/^(["'])([\s\S]*)\1$/, '$2')
    .replaceAll(/\\r\\n|\\n|\r\n?/g, '\n');
  return `${lines.trim()}\n`;
}

/** The problem of such a text, to follow the name of its setting; null when it can be used. */
export function credsProblem(creds: string): string | null {
  const blocks = new Map([...creds.matchAll(BLOCK)].map(([, name = '', value = '']) => [name, value]));
  const jwt = blocks.get('JWT');
  const seed = blocks.get('SEED');
  if (jwt === undefined || seed === undefined)
    return `holds no ${jwt === undefined ? 'USER JWT' : 'USER NKEY SEED'}: it must be the whole of a .creds file, from its first line of dashes to the last`;
  if (!JWT.test(jwt)) return 'holds a USER JWT that is none: three parts with dots between';
  return SEED.test(seed) ? null : 'holds a USER NKEY SEED that is none: SU and 56 letters and digits';
}
