// Two hundred subscribers in a few processes, each doing on the bus what an agent does there.

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const SUBSCRIBERS = 200;
const PROCESSES = 4;
const ANSWER_TIMEOUT_MS = 20_000;

export interface Subscribers {
  /** How many have not been offered this revision or a later one. */
  behind(revision: number): Promise<number>;
  close(): Promise<void>;
}

/** Resolves when all are connected and have caught up once. */
export async function startSubscribers(wsUrl: string, sdkKey: string): Promise<Subscribers> {
  const entry = fileURLToPath(new URL('./subscriber-main.ts', import.meta.url));
  const args = [wsUrl, sdkKey, String(SUBSCRIBERS / PROCESSES)];
  const children = Array.from({ length: PROCESSES }, () => fork(entry, args));
  const close = async () => {
    const ended = children.map((child) => once(child, 'exit'));
    for (const child of children) child.disconnect();
    await Promise.all(ended);
  };
  try {
    await Promise.all(children.map(answerOf));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async behind(revision) {
      const answers = children.map(answerOf);
      for (const child of children) child.send({ revision });
      const counts = (await Promise.all(answers)) as { behind: number }[];
      return counts.reduce((sum, { behind }) => sum + behind, 0);
    },
    close,
  };
}

async function answerOf(child: ChildProcess): Promise<unknown> {
  const [answer] = await once(child, 'message', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  return answer;
}
