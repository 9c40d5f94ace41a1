// Why the bus cannot be had, in words that an operator can act on: from what the client's error, the socket below it or a
// server's HTTP answer say. Pure; knows codes, and no client.

import { messageOf } from '../errors.ts';

export type BusCauseKind =
  | 'credentials-refused'
  | 'permission-missing'
  | 'certificate-untrusted'
  | 'tls-failed'
  | 'not-a-bus'
  | 'connection-refused'
  | 'name-unknown'
  | 'no-answer'
  | 'proxy-refused'
  | 'other';

export interface BusCause {
  readonly kind: BusCauseKind;
  /** A clause: `the server refuses these credentials (authorization violation)`. Never with a secret. */
  readonly says: string;
}

/** Why a WebSocket did not open: an error of its socket, or the HTTP status of an answer. */
export type SocketFailure = { readonly error: unknown } | { readonly status: number };

/** Codes of nats.ws (ErrorCode), of Node's sockets, of OpenSSL and of undici. */
const CREDENTIALS: Readonly<Record<string, string>> = {
  AUTHORIZATION_VIOLATION: 'authorization violation',
  AUTHENTICATION_EXPIRED: 'they have expired',
  ACCOUNT_EXPIRED: "the account's have expired",
  AUTHENTICATION_TIMEOUT: 'they did not come in time',
  BAD_AUTHENTICATION: 'they cannot be used',
  BAD_CREDS: 'the text of the .creds file cannot be read',
};
const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_\w+|ERR_TLS_CERT_ALTNAME_INVALID|INVALID_PURPOSE)$/;
const TLS = /^(EPROTO|ERR_SSL_\w+|ERR_TLS_\w+)$/;
const NAME_UNKNOWN = /^(ENOTFOUND|EAI_AGAIN|EAI_\w+)$/;
const NO_ANSWER = /^(TIMEOUT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|UND_ERR_CONNECT_TIMEOUT)$/;
const CLOSED = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/;
const PROXY_ANSWER = /^Proxy response \((\d+)\)/;

/**
 * @param error what the client gave up with
 * @param socket what its WebSocket met in that attempt; null when it was opened
 */
export function busCauseOf(error: unknown, socket: SocketFailure | null = null): BusCause {
  if (socket !== null && 'status' in socket) return answeredHttp(socket.status);
  return causeOf(socket === null ? error : socket.error);
}

function causeOf(error: unknown): BusCause {
  // Each of a name's addresses may have failed.
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0]);
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const text = messageOf(error);
  const refused = CREDENTIALS[code];
  if (refused !== undefined)
    return { kind: 'credentials-refused', says: `the server refuses these credentials (${refused})` };
  if (code === 'PERMISSIONS_VIOLATION')
    return { kind: 'permission-missing', says: `the server refuses what this user may not do (${text})` };
  const [, proxyStatus] = PROXY_ANSWER.exec(text) ?? [];
  if (proxyStatus !== undefined)
    return { kind: 'proxy-refused', says: `the proxy answers ${proxyStatus} instead of connecting` };
  if (code === 'ECONNREFUSED') return { kind: 'connection-refused', says: 'connection refused' };
  if (NAME_UNKNOWN.test(code)) return { kind: 'name-unknown', says: `its name is not known (${code})` };
  if (NO_ANSWER.test(code)) return { kind: 'no-answer', says: `no answer (${code})` };
  if (UNTRUSTED.test(code)) return untrusted(code);
  if (TLS.test(code)) return { kind: 'tls-failed', says: `TLS fails (${code}): is it a wss:// server?` };
  if (CLOSED.test(code))
    return { kind: 'not-a-bus', says: 'it closes the connection at once: does it want wss://?' };
  if (code.startsWith('HPE_') || /HTTP\/1\.1 protocol/.test(text))
    return { kind: 'not-a-bus', says: "it does not speak HTTP: is this the port of NATS' own protocol?" };
  return { kind: 'other', says: [code, text].filter((part) => part !== '').join(', ') };
}

const untrusted = (code: string): BusCause => ({
  kind: 'certificate-untrusted',
  says: `its certificate is not trusted (${code}): name its authority in SSL_CERT_FILE or NODE_EXTRA_CA_CERTS, or set NODE_OPTIONS=--use-system-ca`,
});

const answeredHttp = (status: number): BusCause => ({
  kind: 'not-a-bus',
  says: `it answers HTTP ${status} instead of opening a WebSocket`,
});
