// Beats that another deployment, or an attacker with the right to publish them, sends on the same account: they are no sign of
// the publisher of an agent's own keys.

import { setTimeout as sleep } from 'node:timers/promises';
import { BEAT_SUBJECT } from '../../../../core/record/names.ts';
import { withAgent } from '../api/agent-part.ts';
import { ask } from '../api/api-ask.ts';
import { type Attack, require } from '../attack.ts';

/** So many times as fast the agent's clock runs: three missed beats are nine seconds. */
const CLOCK_SPEED = 20;
const NOTICED_WITHIN_MS = 20_000;
const POLL_MS = 250;

/**
 * A clock that runs faster, and long timers that go by it. Short ones, the limits of requests among them, stay those of the
 * machine.
 */
const FAST_CLOCK = `
  const [now, startMs, after] = [Date.now, Date.now(), globalThis.setTimeout];
  Date.now = () => startMs + (now() - startMs) * ${CLOCK_SPEED};
  globalThis.setTimeout = (run, ms, ...args) => after(run, ms >= 30000 ? ms / ${CLOCK_SPEED} : ms, ...args);
`;

/** Named in the environment, which takes no spaces. */
const fastClockImport = `data:text/javascript,${encodeURIComponent(FAST_CLOCK)}`;

export const BUS_BEATS: readonly Attack[] = [
  {
    ...{ area: 'bus', name: "another deployment's beats", needsOwnStack: true },
    tries: 'two a second that name other keys, after the own publisher has fallen silent',
    expects: 'the agent misses the beats of its own publisher, and looks at the record instead',
    run: (target) =>
      withAgent(
        target,
        { AGENT_WORKERS: '1', NODE_OPTIONS: `--import=${fastClockImport}` },
        async ({ admin }) => {
          const bus = await target.connectToBus({});
          try {
            // The last beat that names the agent's keys.
            await target.own.stack.runReconcile();
            const startMs = performance.now();
            let state = await busStateOf(admin);
            require(state === 'available', `the bus was ${state} from the start`);
            while (state === 'available' && performance.now() - startMs < NOTICED_WITHIN_MS) {
              const heads = { AnotherDeployment1: { lineage: (await target.manifest()).lineage, seq: 1 } };
              bus.publish(BEAT_SUBJECT, JSON.stringify({ schema: 1, sentAtMs: Date.now(), heads }));
              await sleep(POLL_MS);
              state = await busStateOf(admin);
            }
            require(state !== 'available', 'the bus counts as available by the beats of others');
            const { reason } = await busOf(admin);
            target.note(`${String(reason)} after ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
            require(reason === 'beats-missed', `the bus was lost for another reason: ${String(reason)}`);
          } finally {
            await bus.close();
          }
        },
      ),
  },
];

async function busOf(admin: string): Promise<{ state: string; reason: string | null }> {
  const { text } = await ask(admin, '/health');
  return (JSON.parse(text) as { bus: { state: string; reason: string | null } }).bus;
}

const busStateOf = async (admin: string): Promise<string> => (await busOf(admin)).state;
