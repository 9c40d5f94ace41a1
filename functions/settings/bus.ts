// Reads where the bus is and as which user the functions connect. Values of secrets never appear in a message.

import {
  type BusCredentials,
  credsProblem,
  normalizeCreds,
  PLAINTEXT_WORDS,
  plaintextProblem,
  readBusUrls,
} from '../../core/bus/credentials.ts';
import type { Read } from './list.ts';

/** The variables with credentials, by the names of the NATS client's options. */
const VARIABLES = {
  user: 'FANOUT_NATS_USER',
  password: 'FANOUT_NATS_PASSWORD',
  token: 'FANOUT_NATS_TOKEN',
  creds: 'FANOUT_NATS_CREDS',
} as const;

export function readBus(read: Read): BusCredentials & { readonly servers: readonly string[] } {
  const urls = read('FANOUT_NATS_URL');
  urls.required();
  const { servers, credentials, problem } = readBusUrls(urls.texts());
  if (problem !== null) urls.problem(problem);
  const own = ownCredentials(read);
  const given = [...Object.values(VARIABLES), 'FANOUT_NATS_SECRET' as const].filter(
    (name) => read(name).isSet,
  );
  const hasSecret = given.some((name) => name !== VARIABLES.creds) || Object.keys(credentials).length > 0;
  const isPlaintextAllowed = read('FANOUT_NATS_PLAINTEXT').choice(PLAINTEXT_WORDS) === 'allowed';
  const inClear = hasSecret && !isPlaintextAllowed ? plaintextProblem(servers) : null;
  if (inClear !== null) urls.problem(inClear);
  if (Object.keys(credentials).length === 0) return { servers, ...own };
  if (given.length > 0) urls.problem(`holds credentials and ${given.join(', ')} too: only one of them may`);
  return { servers, ...own, ...credentials };
}

function ownCredentials(read: Read): BusCredentials {
  const pasted = read(VARIABLES.creds);
  const text = pasted.text();
  const creds = text === null ? undefined : normalizeCreds(text);
  const problem = creds === undefined ? null : credsProblem(creds);
  if (problem !== null) pasted.problem(problem);
  return {
    user: read(VARIABLES.user).text() ?? undefined,
    password: read(VARIABLES.password).text() ?? undefined,
    token: read(VARIABLES.token).text() ?? undefined,
    creds,
  };
}
