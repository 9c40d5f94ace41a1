// A .creds file as NATS' tools write it, good to read but for no server.

const JWT = 'eyJ0eXAiOiJKV1QifQ.eyJzdWIiOiJVIn0.c2lnbmF0dXJl';
const SEED = `SU${'A'.repeat(56)}`;

export const CREDS = [
  ...['-----BEGIN NATS USER JWT-----', JWT, '------END NATS USER JWT------', ''],
  ...['-----BEGIN USER NKEY SEED-----', SEED, '------END USER NKEY SEED------', ''],
].join('\n');
