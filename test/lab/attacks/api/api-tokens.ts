// Guesses at a client's secret, at an agent that issues tokens: they neither keep the real client from its token nor tell by their
// duration which ids exist.

import { randomBytes } from 'node:crypto';
import { bcrypt } from 'hash-wasm';
import { type Attack, require } from '../attack.ts';
import { besideOthers } from '../bystander.ts';
import { type SideAgent, withAgent } from './agent-part.ts';
import { type Asked, ask } from './api-ask.ts';

/** Guesses take turns by the client's address: strangers have another one. */
const STRANGER = '127.0.0.2';
const STRANGERS = 200;
/** Each asks for its first token while the guesses go on: its secret is not known yet. */
const CLIENTS = 3;
/** A comparison takes some milliseconds: what is tried is whose turn it is, not how slow a turn can be. */
const BCRYPT_COST = 6;
const TIMED = 10;
/** Of the time for an id that exists: without the defence it was a fiftieth. */
const TIME_SHARE_MIN = 0.3;

const form = { 'content-type': 'application/x-www-form-urlencoded' };

const token = ({ api }: SideAgent, id: string, secret: string, from?: string): Promise<Asked> =>
  ask(api, '/oauth/token', {
    ...{ headers: form, ...(from !== undefined && { from }) },
    body: new URLSearchParams({
      ...{ grant_type: 'client_credentials', client_id: id },
      client_secret: Buffer.from(secret).toString('base64'),
    }).toString(),
  });

async function settingsFor(secrets: ReadonlyMap<string, string>, sdkKey: string) {
  const clients = [...secrets].map(async ([id, password]) => {
    const hash = await bcrypt({ password, salt: randomBytes(16), costFactor: BCRYPT_COST });
    return { id, secretHash: Buffer.from(hash).toString('base64'), sdkKeys: [sdkKey] };
  });
  return {
    AGENT_WORKERS: '1',
    OPTIMIZELY_API_AUTH_CLIENTS: JSON.stringify(await Promise.all(clients)),
    OPTIMIZELY_API_AUTH_HMACSECRETS: randomBytes(32).toString('base64'),
    OPTIMIZELY_API_AUTH_TTL: '30m',
  };
}

/** In turns, so that neither has the machine at a better time; the first of each loads what compares secrets. */
async function fastestOfEach(
  both: readonly [() => Promise<Asked>, () => Promise<Asked>],
): Promise<[number, number]> {
  const fastest: [number, number] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round <= TIMED; round++)
    for (const i of [0, 1] as const) {
      const startMs = performance.now();
      const { status } = await both[i]();
      require(status === 401, `a wrong secret was answered ${status}`);
      if (round > 0) fastest[i] = Math.min(fastest[i], performance.now() - startMs);
    }
  return fastest;
}

export const API_TOKENS: readonly Attack[] = [
  {
    ...{ area: 'agent API', name: 'guesses at a client secret', needsOwnStack: true },
    tries: `${STRANGERS} at a time for a client that exists, while ${CLIENTS} real ones ask for their first token`,
    expects: 'the real ones have their tokens; an id that does not exist takes as long as one that does',
    run: async (target) => {
      const ids = Array.from({ length: CLIENTS }, (_, i) => `client-${i}`);
      const secrets = new Map(ids.map((id) => [id, randomBytes(12).toString('hex')]));
      const settings = await settingsFor(secrets, target.sdkKey);
      await withAgent(target, settings, async (agent) => {
        const [known, unknown] = await fastestOfEach([
          () => token(agent, 'client-0', 'guess'),
          () => token(agent, 'nobody', 'guess'),
        ]);
        target.note(
          `at best ${known.toFixed(0)} ms for an id that exists, ${unknown.toFixed(0)} ms for another`,
        );
        require(unknown >= known * TIME_SHARE_MIN, 'the time tells which ids exist');
        await besideOthers(target, () => askBesideGuesses(agent, secrets));
      });
    },
  },
];

async function askBesideGuesses(agent: SideAgent, secrets: ReadonlyMap<string, string>): Promise<void> {
  let isOver = false;
  const strangers = Array.from({ length: STRANGERS }, async (_, i) => {
    while (!isOver) {
      const { status } = await token(agent, `client-${i % CLIENTS}`, `guess-${i}`, STRANGER);
      require(status !== 200, 'a guess was answered with a token');
    }
  });
  try {
    for (const [id, secret] of secrets) {
      const { status } = await token(agent, id, secret);
      require(status === 200, `${id} was answered ${status} for its own secret`);
    }
  } finally {
    isOver = true;
    await Promise.allSettled(strangers);
  }
  await Promise.all(strangers);
}
