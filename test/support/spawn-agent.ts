// A built agent as a process, for one test: its API, what it serves, and what it says. Neither the record nor the CDN is there
// unless its environment says so, so that what it serves has come over the bus.

import { KEY } from '../agent/support/fakes.ts';
import { runAgent, type Wrap } from './agent-process.ts';
import { eventually } from './eventually.ts';

/** Nothing answers there. */
const NOWHERE = 'http://127.0.0.1:1/%s.json';

export interface SpawnedAgent {
  readonly api: string;
  /** Everything it has printed. */
  readonly lines: readonly string[];
  /** Resolves when it decides from this seq. */
  serves(seq: number): Promise<unknown>;
  decide(userId: string): Promise<Response>;
  /** Asked to, by signal; resolves when it has ended. */
  stop(): Promise<unknown>;
}

/** Listening; ended after the test. */
export async function spawnAgent(env: Readonly<Record<string, string>>, wrap?: Wrap): Promise<SpawnedAgent> {
  const agent = runAgent({
    isBuilt: true,
    env: {
      OPTIMIZELY_API_ENABLENOTIFICATIONS: 'true',
      OPTIMIZELY_CLIENT_DATAFILEURLTEMPLATE: NOWHERE,
      OPTIMIZELY_CLIENT_EVENTURL: NOWHERE,
      FANOUT_BUCKET: 'none',
      FANOUT_S3_ENDPOINT: 'http://127.0.0.1:1',
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'none',
      AWS_SECRET_ACCESS_KEY: 'none',
      ...env,
    },
    ...(wrap === undefined ? {} : { wrap }),
  });
  const api = `http://127.0.0.1:${(await agent.ports()).apiPort}`;
  const decide = (userId: string) =>
    fetch(`${api}/v1/decide?keys=flag_1`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-optimizely-sdk-key': KEY },
      body: JSON.stringify({ userId }),
    });
  const serves = (seq: number) =>
    eventually(`it serves seq ${seq}`, async () => {
      const answer = await decide('u');
      return answer.status === 200 && answer.headers.get('x-datafile-seq') === String(seq);
    });
  return { api, lines: agent.lines, serves, decide, stop: () => agent.stop() };
}
