// POST /oauth/token: a client's id and secret against a token (OAuth's client credentials). Answers and their words are
// the original's.

import type { AuthClient, AuthSettings } from '../../config/config.ts';
import type { Exchange } from '../kernel/exchange.ts';
import type { Route } from '../kernel/route.ts';
import { SecretChecks } from './secret-checks.ts';

const BODY_BYTES_MAX = 16 * 1024;
const FORM = /^application\/x-www-form-urlencoded\s*(?:;|$)/i;
const ISSUER = 'Optimizely';
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export interface OauthDeps {
  /** Null: no client is known here. */
  readonly auth: AuthSettings | null;
  /** What tokens of this port claim, for a client. */
  readonly claimsFor: (client: AuthClient) => Readonly<Record<string, unknown>>;
  readonly nowMs: () => number;
  readonly compareSecret: (secret: Uint8Array, hash: string) => Promise<boolean>;
}

interface Refusal {
  readonly status: 400 | 401 | 415;
  readonly error: 'invalid_request' | 'unsupported_grant_type' | 'invalid_client';
  readonly error_description?: string;
}

export function oauthHandler(deps: OauthDeps): Route['handle'] {
  const { auth } = deps;
  const key = auth?.hmacSecrets[0];
  const checks =
    auth === null || key === undefined || auth.clients.length === 0
      ? null
      : new SecretChecks({ clients: auth.clients, key, compareSecret: deps.compareSecret });
  return async (exchange) => {
    exchange.headers['Cache-Control'] = 'no-store';
    const request = readForm(exchange);
    if ('status' in request) return refuse(exchange, request);
    if (auth === null || checks === null) return refuse(exchange, UNKNOWN);
    const isWanted = () => exchange.request.socket?.destroyed !== true;
    const client = await checks.check({ ...request, address: exchange.client, isWanted });
    if (client === 'busy') {
      exchange.headers['Retry-After'] = 1;
      return exchange.error(503, 'too many clients ask for tokens; ask again in a second');
    }
    if (client === 'wrong') return refuse(exchange, UNKNOWN);
    const { ttlMs } = auth;
    const expiresAtMs = deps.nowMs() + ttlMs;
    const token = await sign(deps.claimsFor(client), expiresAtMs, auth);
    exchange.json(200, { access_token: token, token_type: 'bearer', expires_in: Math.floor(ttlMs / 1000) });
  };
}

const bad = (error_description: string): Refusal => ({
  status: 400,
  error: 'invalid_request',
  error_description,
});
const unknown = (error_description: string): Refusal => ({
  status: 401,
  error: 'invalid_client',
  error_description,
});
const UNKNOWN = unknown('invalid client_id or client_secret');

function readForm(exchange: Exchange): { readonly id: string; readonly secret: Uint8Array } | Refusal {
  if (!FORM.test(exchange.header('content-type')))
    return { ...bad('Content-Type header value must be application/x-www-form-urlencoded'), status: 415 };
  if (exchange.body.byteLength > BODY_BYTES_MAX)
    return bad(`the request body is larger than ${BODY_BYTES_MAX} bytes`);
  const text = exchange.body.toString();
  const problem = formProblem(text);
  if (problem !== null) return bad(`error parsing request body: ${problem}`);
  const form = new URLSearchParams(text);
  const grantType = form.get('grant_type') ?? '';
  if (grantType === '') return bad('grant_type missing from request body');
  if (grantType !== 'client_credentials') return { status: 400, error: 'unsupported_grant_type' };
  const id = form.get('client_id') ?? '';
  if (id === '') return unknown('client_id missing from request body');
  const secret = form.get('client_secret') ?? '';
  if (secret === '') return unknown('client_secret missing from request body');
  // A form turns the plus signs of base64 that were not encoded into spaces.
  const bytes = fromBase64(secret.replaceAll(' ', '+'));
  return bytes === null ? UNKNOWN : { id, secret: bytes };
}

/** Why a text is no form, in the words of the original's decoder; null where it is one. */
function formProblem(text: string): string | null {
  if (text.includes(';')) return 'invalid semicolon separator in query';
  const broken = /%(?![0-9a-f]{2}).{0,2}/i.exec(text);
  return broken === null ? null : `invalid URL escape "${broken[0]}"`;
}

/** Null for text that is no base64, or is empty: no client has such a secret. */
function fromBase64(text: string): Buffer | null {
  const bytes = BASE64.test(text) ? Buffer.from(text, 'base64') : null;
  return bytes === null || bytes.byteLength === 0 ? null : bytes;
}

function refuse(exchange: Exchange, { status, ...body }: Refusal): void {
  exchange.json(status, body);
}

async function sign(claims: object, expiresAtMs: number, { hmacSecrets }: AuthSettings): Promise<string> {
  const { SignJWT } = await import('jose');
  return new SignJWT({ iss: ISSUER, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime(Math.floor(expiresAtMs / 1000))
    .sign(hmacSecrets[0] as Uint8Array);
}
