// Reads where the bus is and who the functions are there. Values of secrets never appear in a message.

import {
  type BusCredentials,
  credsProblem,
  normalizeCreds,
  PLAINTEXT_WORDS,
  plaintextProblem,
  readBusUrls,
} from '../../core/bus/credentials.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** The variables that say who, in the words of the client's options. */
const VARIABLES = {
  user: 'FANOUT_NATS_USER',
  password: 'FANOUT_NATS_PASSWORD',
  token: 'FANOUT_NATS_TOKEN',
  creds: 'FANOUT_NATS_CREDS',
} as const;

/** @param text of FANOUT_NATS_URL; empty where it is missing, which is told by who read it */
export function readBus(
  env: Environment,
  text: string,
  problems: string[],
): BusCredentials & { readonly servers: readonly string[] } {
  const urls = text.split(',').map((url) => url.trim());
  const { servers, credentials, problem } = readBusUrls(urls.filter((url) => url !== ''));
  if (problem !== null) problems.push(`FANOUT_NATS_URL ${problem}`);
  const own = ownCredentials(env, problems);
  const given = [...Object.values(VARIABLES), 'FANOUT_NATS_SECRET'].filter((name) => env[name]?.trim());
  const hasSecret = given.some((name) => name !== VARIABLES.creds) || Object.keys(credentials).length > 0;
  const inClear = hasSecret && !isPlaintextAllowed(env, problems) ? plaintextProblem(servers) : null;
  if (inClear !== null) problems.push(`FANOUT_NATS_URL ${inClear}`);
  if (Object.keys(credentials).length === 0) return { servers, ...own };
  if (given.length > 0)
    problems.push(`FANOUT_NATS_URL holds credentials and ${given.join(', ')} too: only one of them may`);
  return { servers, ...own, ...credentials };
}

function isPlaintextAllowed(env: Environment, problems: string[]): boolean {
  const text = env.FANOUT_NATS_PLAINTEXT?.trim() || PLAINTEXT_WORDS[0];
  if (!PLAINTEXT_WORDS.some((word) => word === text))
    problems.push(`FANOUT_NATS_PLAINTEXT is "${text}" but must be one of ${PLAINTEXT_WORDS.join(', ')}`);
  return text === 'allowed';
}

function ownCredentials(env: Environment, problems: string[]): BusCredentials {
  const read = (name: string): string | undefined => env[name]?.trim() || undefined;
  const pasted = read(VARIABLES.creds);
  const creds = pasted === undefined ? undefined : normalizeCreds(pasted);
  const problem = creds === undefined ? null : credsProblem(creds);
  if (problem !== null) problems.push(`${VARIABLES.creds} ${problem}`);
  return {
    user: read(VARIABLES.user),
    password: read(VARIABLES.password),
    token: read(VARIABLES.token),
    creds,
  };
}
