// Traces from the first moment on: no request waits for OpenTelemetry to load, and no span is lost meanwhile.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../agent/config/config.ts';
import type { Exchange } from '../../../agent/http/kernel/exchange.ts';
import { startTracing } from '../../../agent/tracing/tracing.ts';
import type { Tracing } from '../../../agent/tracing/types.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { tempDir } from '../../support/temp-dir.ts';
import { candidateOf, MemoryLog } from '../support/fakes.ts';

/** Spans of `act` as a file shows them; time passes before they are loaded, but not in them. */
async function spansOf(act: (tracing: Tracing) => void): Promise<Record<string, unknown>[]> {
  const path = join(await tempDir(), 'trace.out');
  const env = {
    OPTIMIZELY_TRACING_ENABLED: 'true',
    OPTIMIZELY_TRACING_OPENTELEMETRY_SERVICES_STDOUT_FILENAME: path,
  };
  const clock = new ManualClock(1_700_000_000_000);
  const tracing = startTracing(
    parseConfig(env, () => ''),
    { clock, log: new MemoryLog() },
  );
  if (tracing === null) throw new Error('traces are off');
  act(tracing);
  clock.advance(60_000);
  await tracing.stop();
  const text = await readFile(path, 'utf8');
  return text === '' ? [] : JSON.parse(`[${text.trim().replaceAll(/^}$\n(?={)/gm, '},\n')}]`);
}

describe('what happens while OpenTelemetry loads', () => {
  it('is told afterwards, in order and with its own times', async () => {
    const held = { ...candidateOf(1), acceptedAtMs: 1_700_000_000_000 };
    const request = { method: 'POST', url: '/v1/decide', headers: {} };
    const spans = await spansOf((tracing) => {
      tracing.swapped(held);
      tracing.answered({ request, datafile: held } as unknown as Exchange, '/v1/decide', 200, 2);
      expect(tracing.stats()).toEqual({ sent: 0, failed: 0, dropped: 0 });
    });
    expect(spans.map(({ Name }) => Name)).toEqual(['datafile.swap', 'POST /v1/decide']);
    expect(spans[1]).toMatchObject({
      StartTime: '2023-11-14T22:13:19.998000000Z',
      EndTime: '2023-11-14T22:13:20.000000000Z',
      Links: [{ SpanContext: spans[0]?.SpanContext }],
    });
  });

  it('is not kept without a limit', async () => {
    const spans = await spansOf((tracing) => {
      for (let i = 1; i <= 1_500; i++) tracing.swapped({ ...candidateOf(1), acceptedAtMs: 0 });
    });
    expect(spans).toHaveLength(1_000);
  });
});

it('without traces there is nothing to tell', () => {
  const deps = { clock: new ManualClock(), log: new MemoryLog() };
  expect(
    startTracing(
      parseConfig({}, () => ''),
      deps,
    ),
  ).toBeNull();
});
