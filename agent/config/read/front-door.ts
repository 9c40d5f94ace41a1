// Reads the settings about the access of clients: hosts, TLS, CORS, tokens, limits.

import { createSecureContext } from 'node:tls';
import { messageOf } from '../../../core/errors.ts';
import type { Cursor } from '../../../core/settings/cursor.ts';
import { isNetwork } from '../../http/door/networks.ts';
import type { ReadText } from '../file.ts';
import type {
  AuthClient,
  AuthSettings,
  CorsSettings,
  HttpLimits,
  ServerSettings,
  TlsSettings,
} from '../front-door-types.ts';

const TIMEOUT_MIN_MS = 1;
const CORS_MAX_AGE_S_MAX = 2 ** 31 - 1;
/** Go's names of what the original lets be disabled, and OpenSSL's. TLS 1.3 has no weak ones and is left alone. */
export const TLS12_CIPHERS: Readonly<Record<string, string>> = {
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: 'ECDHE-RSA-AES128-GCM-SHA256',
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: 'ECDHE-RSA-AES256-GCM-SHA384',
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: 'ECDHE-ECDSA-AES128-GCM-SHA256',
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: 'ECDHE-ECDSA-AES256-GCM-SHA384',
};
const BASE64_PATTERN = /^[A-Za-z0-9+/]+={0,2}$/;
const BCRYPT_PATTERN = /^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/;
const ANY_ADDRESS = ['0.0.0.0', '::'];
export const LOOPBACK_NAMES = ['localhost', '127.0.0.1', '::1'];

export function readServer(
  server: Cursor,
  host: string,
  readText: ReadText,
): Omit<ServerSettings, keyof HttpLimits | 'trustedProxies'> {
  return {
    readTimeoutMs: server.at('readTimeout').goDuration(TIMEOUT_MIN_MS),
    writeTimeoutMs: server.at('writeTimeout').goDuration(TIMEOUT_MIN_MS),
    healthCheckPath: server.at('healthCheckPath').text() ?? '/health',
    ...readAllowedHosts(server.at('allowedHosts').texts(), host),
    tls: readTls(server, readText),
  };
}

/**
 * The own host is always allowed and `.` allows any, as in the original. Where nothing was chosen, the names of this very
 * machine are too: no other site's name leads to them.
 */
export function readAllowedHosts(
  chosen: readonly string[],
  host: string,
): Pick<ServerSettings, 'allowedHosts' | 'allowAnyIp'> {
  if (chosen.includes('.')) return { allowedHosts: null, allowAnyIp: true };
  const names = chosen.length === 0 ? LOOPBACK_NAMES : chosen.map((name) => name.toLowerCase());
  return {
    allowedHosts: [...new Set([host.toLowerCase(), ...names])],
    allowAnyIp: chosen.length === 0 && ANY_ADDRESS.includes(host),
  };
}

export function readTrustedProxies(setting: Cursor): string[] {
  const networks = setting.texts();
  for (const network of networks)
    if (!isNetwork(network))
      setting.problem(`names "${network}" but must name addresses or networks such as 10.0.0.0/8`);
  return networks.filter(isNetwork);
}

/** Go writes addresses of IPv6 in brackets where a port may follow. */
export const readHost = (setting: Cursor): string | null =>
  setting.text()?.replace(/^\[(.*)\]$/, '$1') ?? null;

function readTls(server: Cursor, readText: ReadText): TlsSettings | null {
  const keyFile = server.at('keyFile');
  const certFile = server.at('certFile');
  const disabled = server.at('disabledCiphers');
  const names = disabled.texts();
  for (const name of names)
    if (!Object.hasOwn(TLS12_CIPHERS, name))
      disabled.problem(`names "${name}", but may name ${Object.keys(TLS12_CIPHERS).join(', ')}`);
  if (keyFile.isSet !== certFile.isSet) {
    const [present, absent] = keyFile.isSet ? [keyFile, 'certFile'] : [certFile, 'keyFile'];
    present.problem(`is set but server.${absent} is not: TLS needs both`);
    return null;
  }
  if (!keyFile.isSet) return null;
  const key = readFile(keyFile, readText);
  const cert = readFile(certFile, readText);
  try {
    if (key !== '' && cert !== '') createSecureContext({ key, cert });
  } catch (error) {
    keyFile.problem(`and its certificate cannot be used (${messageOf(error)})`);
  }
  const disabledCiphers = names.map((name) => TLS12_CIPHERS[name] ?? name);
  return { key, cert, disabledCiphers };
}

/** The contents of the file that a setting names; empty when it cannot be read, which is a problem. */
export function readFile(setting: Cursor, readText: ReadText): string {
  const path = setting.text() ?? '';
  try {
    return readText(path);
  } catch (error) {
    setting.problem(`is "${path}" but must be a readable file (${messageOf(error)})`);
    return '';
  }
}

export function readCors(cors: Cursor): CorsSettings {
  const orElse = (list: string[], byDefault: string[]) => (list.length === 0 ? byDefault : list);
  const allowedOrigins = orElse(cors.at('allowedOrigins').texts(), ['*']);
  const wild = allowedOrigins.find((origin) => origin.split('*').length > 2);
  if (wild !== undefined)
    cors.at('allowedOrigins').problem(`has "${wild}", but an origin may have one * only`);
  const allowedHeaders = cors
    .at('allowedHeaders')
    .texts()
    .map((it) => it.toLowerCase());
  const exposedHeaders = cors.at('exposedHeaders').texts();
  return {
    allowedOrigins: allowedOrigins.map((origin) => origin.toLowerCase()),
    allowedMethods: orElse(cors.at('allowedMethods').texts(), ['HEAD', 'GET', 'POST']).map((it) =>
      it.toUpperCase(),
    ),
    // The original appends Origin to the given headers.
    allowedHeaders: allowedHeaders.length === 0 ? null : [...allowedHeaders, 'origin'],
    exposedHeaders: exposedHeaders.length === 0 ? null : exposedHeaders,
    allowCredentials: cors.at('allowedCredentials').boolean(),
    // Negative is none, as in the original.
    maxAgeS: cors.at('maxAge').integer(0, CORS_MAX_AGE_S_MAX, 'is min'),
  };
}

/** Null where no tokens are asked for. @param port clients of the API are good for SDK keys, those of admin for all of it */
export function readAuth(auth: Cursor, port: 'api' | 'admin'): AuthSettings | null {
  const clients = auth
    .at('clients')
    .items()
    .map((client) => readClient(client, port));
  const hmacSecrets = readSecrets(auth.at('hmacSecrets'));
  const jwksUrl = auth.at('jwksURL').url(['http:', 'https:']);
  const ttlMs = auth.at('ttl').goDuration(1_000);
  const jwksUpdateIntervalMs = auth.at('jwksUpdateInterval').goDuration(1_000);
  if (jwksUrl !== null && jwksUpdateIntervalMs === 0)
    auth.at('jwksUpdateInterval').problem('must be set where jwksURL is, such as 30m');
  if (jwksUrl !== null && hmacSecrets.length > 0)
    auth.at('hmacSecrets').warn('has no effect: tokens are checked with the keys at jwksURL');
  if (clients.length > 0 && hmacSecrets.length === 0)
    auth.at('clients').problem('needs hmacSecrets: without one no token can be issued');
  if (clients.length > 0 && ttlMs === 0) auth.at('ttl').problem('must be set where clients are, such as 30m');
  const ids = clients.map(({ id }) => id);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined) auth.at('clients').problem(`names the id "${twice}" twice`);
  if (jwksUrl === null && hmacSecrets.length === 0) return null;
  return { clients, hmacSecrets, ttlMs, jwksUrl, jwksUpdateIntervalMs };
}

/** With its padding or without; one letter more than whole bytes is a part of a secret. */
const isBase64 = (text: string): boolean =>
  BASE64_PATTERN.test(text) && text.replace(/=+$/, '').length % 4 !== 1;

function readSecrets(setting: Cursor): Buffer[] {
  return setting.texts().map((text, i) => {
    if (!isBase64(text)) setting.problem(`has a secret (number ${i + 1}) that is not base64`);
    return Buffer.from(text, 'base64');
  });
}

function readClient(client: Cursor, port: 'api' | 'admin'): AuthClient {
  const id = client.at('id').text() ?? '';
  const hash = client.at('secretHash').text() ?? '';
  const secretHash = Buffer.from(hash, 'base64').toString('latin1');
  const sdkKeys = client.at('sdkKeys').texts();
  if (id === '') client.problem('has no id');
  if (!BCRYPT_PATTERN.test(secretHash)) client.problem('needs a secretHash: base64 of a bcrypt hash');
  if (port === 'api' && sdkKeys.length === 0)
    client.problem('needs sdkKeys: a token must be good for something');
  return { id, secretHash, sdkKeys };
}
