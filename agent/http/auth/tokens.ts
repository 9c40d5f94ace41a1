// Says whether a token is good: signed by one of our secrets, or by one of an issuer's keys, and not expired. A token that
// was good is remembered, so that only its first request pays for the mathematics. Knows no routes.

import type { JWTVerifyGetKey } from 'jose';
import type { AuthSettings } from '../../config/config.ts';
import type { IssuerKeys } from './issuer-keys.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Why a token is not taken, and the status that says so. A class, as claims can hold anything. */
export class TokenRefusal {
  readonly status: 401 | 503;
  readonly reason: string;

  constructor(status: 401 | 503, reason: string) {
    this.status = status;
    this.reason = reason;
  }
}

export interface TokenChecker {
  check(token: string): Claims | TokenRefusal | Promise<Claims | TokenRefusal>;
}

/** Only these: a token must not be able to pass off a public key as a secret. */
const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'];
const KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
];
const REMEMBERED_MAX = 1_000;
const TOKEN_LENGTH_MAX = 16 * 1024;

const INVALID = new TokenRefusal(401, 'invalid token');
const EXPIRED = new TokenRefusal(401, 'token expired');
const NO_KEYS = new TokenRefusal(503, 'the keys to check tokens with cannot be fetched');

/** @param keys of the issuer, where the settings name one */
export function createTokenChecker(
  { hmacSecrets }: AuthSettings,
  keys: IssuerKeys | null,
  nowMs: () => number,
): TokenChecker {
  const remembered = new Map<string, Claims>();
  const remember = (token: string, claims: Claims): void => {
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(token, claims);
  };
  keys?.onChanged(() => remembered.clear());

  const verify = async (token: string): Promise<Claims | TokenRefusal> => {
    const { jwtVerify } = await import('jose');
    const options = { requiredClaims: ['exp'], currentDate: new Date(nowMs()) };
    if (keys !== null) {
      return keys.with(NO_KEYS, async (key: JWTVerifyGetKey) => {
        const { payload } = await jwtVerify(token, key, { ...options, algorithms: KEY_ALGORITHMS });
        return payload;
      });
    }
    let failure: unknown;
    for (const secret of hmacSecrets) {
      try {
        return (await jwtVerify(token, secret, { ...options, algorithms: SECRET_ALGORITHMS })).payload;
      } catch (error) {
        failure = error;
        // The signature is right: another secret cannot do better.
        if (isExpired(error)) break;
      }
    }
    throw failure;
  };

  return {
    check(token) {
      const known = remembered.get(token);
      if (known !== undefined) {
        if (Number(known.exp) * 1000 > nowMs()) return known;
        remembered.delete(token);
        return EXPIRED;
      }
      if (token.length > TOKEN_LENGTH_MAX) return INVALID;
      return verify(token).then(
        (found) => {
          if (found instanceof TokenRefusal) return found;
          // As to the original; it may be good later.
          if (Number(found.iat) * 1000 > nowMs()) return INVALID;
          remember(token, found);
          return found;
        },
        // Only a forger could use the details of what is wrong.
        (error: unknown) => (isExpired(error) ? EXPIRED : INVALID),
      );
    },
  };
}

/** Also of a token that says no time at which it expires. */
const isExpired = (error: unknown): boolean => (error as { claim?: unknown } | null)?.claim === 'exp';
