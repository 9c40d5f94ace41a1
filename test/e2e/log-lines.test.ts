// The log of every program by the one schema: agent (in one process and in several), receiver and functions as they are
// built, from their start to their end.

import { expect, it } from 'vitest';
import { LINE_FIELDS } from '../../core/log.ts';
import { generateDatafile } from '../../infra/local/optimizely/datafile.ts';
import type { Part } from '../../infra/local/stack/part.ts';
import { readPage, rowsIn } from '../docs/markdown.ts';
import { eventually } from '../support/eventually.ts';
import { flip, stackForTest, untilAllServe } from '../support/functions/observe.ts';
import { startReceiver } from '../support/functions/receiver.ts';
import { receiverEnv } from '../support/functions/receiver-env.ts';
import { printedProblems } from '../support/log-schema.ts';

/** Every line of a part, those of its end too. */
function linesOf(part: Part): string[] {
  const lines = [...part.lines];
  part.onLine((line) => lines.push(line));
  return lines;
}

const namesIn = (lines: readonly string[]) => [
  ...new Set(lines.map((line) => (JSON.parse(line) as { name: string }).name)),
];

it('every line of agents, workers, functions and receiver is by the one schema', async () => {
  const stack = await stackForTest({
    agents: 2,
    datafile: generateDatafile({ flags: 5 }),
    agentEnv: (_urls, index) => (index === 1 ? { AGENT_WORKERS: '2' } : {}),
    reconcileIntervalMs: 1_000,
  });
  const agents = stack.agents.map(({ part }) => linesOf(part));
  const { webhook, bridge, reconcile } = stack.parts;
  const functions = [webhook, bridge, reconcile].map(linesOf);
  const receiver = await startReceiver(
    receiverEnv(stack, { FANOUT_NAME: 'receiver-1', FANOUT_RECONCILE_INTERVAL: '1s' }),
  );
  await flip(stack);
  await untilAllServe(stack, 2);
  const has = (lines: readonly string[], event: string) => lines.some((line) => line.includes(`"${event}"`));
  const [ofWebhook = []] = functions;
  await eventually(
    'every function has written, the webhook metrics too',
    () => functions.every((lines) => lines.length > 0) && has(ofWebhook, 'metrics.counted'),
  );
  await eventually('the receiver has reconciled', () =>
    receiver.printed.some((line) => line.includes('"reconcile.finished"')),
  );
  receiver.kill('SIGTERM');
  await receiver.ended;
  await stack.stop();

  for (const lines of [...agents, ...functions, receiver.printed]) {
    expect(lines.length).toBeGreaterThan(0);
    expect(printedProblems(lines)).toEqual([]);
  }
  expect(agents.map(namesIn)).toEqual([['agent-0'], ['agent-1']]);
  expect(agents[1]?.some((line) => line.includes('"worker":'))).toBe(true);
  expect(functions.map(namesIn)).toEqual(
    ['webhook', 'bridge', 'reconcile'].map((name) => [`datafile-fanout-${name}`]),
  );
  expect(namesIn(receiver.printed)).toEqual(['receiver-1']);
});

it('docs/logs.md has the fields of the schema, with their meaning', () => {
  const rows = rowsIn(readPage('docs/logs.md')).filter(([field]) => field !== 'field');
  expect(rows).toEqual(Object.entries(LINE_FIELDS).map(([field, meaning]) => [`\`${field}\``, meaning]));
});
