// What NATS' own tools make in operator mode, for tests: an operator and an account for a server's configuration, and .creds
// files of its users, with an end if wanted. Keys are made anew for each server.

import { createHash } from 'node:crypto';
import { nkeys } from 'nats.ws';

type KeyPair = ReturnType<typeof nkeys.createUser>;

export interface NatsOperator {
  /** To be put into a server's configuration. */
  readonly config: string;
  /** The text of a .creds file. @param expiresInS from now; left out, never */
  creds(expiresInS?: number): string;
}

export function createNatsOperator(): NatsOperator {
  const operator = nkeys.createOperator();
  const account = nkeys.createAccount();
  const unlimited = -1;
  const limits = { subs: unlimited, data: unlimited, payload: unlimited, conn: unlimited, leaf: unlimited };
  const accountJwt = signed(operator, account, 'account', {
    limits: { ...limits, imports: unlimited, exports: unlimited, wildcards: true },
  });
  const config = [
    `operator: ${signed(operator, operator, 'operator', {})}`,
    'resolver: MEMORY',
    `resolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    '',
  ].join('\n');
  return {
    config,
    creds: (expiresInS) => {
      const user = nkeys.createUser();
      const { subs, data, payload } = limits;
      const jwt = signed(account, user, 'user', { pub: {}, sub: {}, subs, data, payload }, expiresInS);
      const seed = new TextDecoder().decode(user.getSeed());
      return [
        ...['-----BEGIN NATS USER JWT-----', jwt, '------END NATS USER JWT------', ''],
        ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
      ].join('\n');
    },
  };
}

function signed(by: KeyPair, about: KeyPair, type: string, claims: object, expiresInS?: number): string {
  const nowS = Math.floor(Date.now() / 1000);
  const payload = {
    ...{ iat: nowS, iss: by.getPublicKey(), sub: about.getPublicKey(), name: type },
    jti: createHash('sha256').update(about.getPublicKey()).digest('base64url'),
    ...(expiresInS === undefined ? {} : { exp: nowS + expiresInS }),
    nats: { ...claims, type, version: 2 },
  };
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part(payload)}`;
  return `${text}.${Buffer.from(by.sign(new TextEncoder().encode(text))).toString('base64url')}`;
}
