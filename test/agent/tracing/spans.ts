// Spans kept instead of sent, and tracing that keeps them.

import type { AgentConfig } from '../../../agent/config/config.ts';
import { parseConfig } from '../../../agent/config/config.ts';
import { createTracing } from '../../../agent/tracing/create.ts';
import type { Tracing } from '../../../agent/tracing/types.ts';
import { MemoryLog, realClock } from '../support/fakes.ts';

type Exporter = Parameters<typeof createTracing>[1]['exporter'];
export type Span = Parameters<Exporter['export']>[0][number];
export const SUCCESS = 0;
export const FAILED = 1;

export class KeptSpans implements Exporter {
  readonly all: Span[] = [];

  export(spans: Span[], done: Parameters<Exporter['export']>[1]): void {
    this.all.push(...spans);
    done({ code: SUCCESS });
  }

  async shutdown(): Promise<void> {}

  named(name: string): Span[] {
    return this.all.filter((span) => span.name === name);
  }

  /** The only one of that name. */
  one(name: string): Span {
    const [span, ...more] = this.named(name);
    if (span === undefined || more.length > 0)
      throw new Error(`${more.length + (span ? 1 : 0)} of ${name}: ${this.all.map((it) => it.name)}`);
    return span;
  }
}

export interface TestTracing {
  readonly tracing: Tracing;
  readonly spans: KeptSpans;
  readonly log: MemoryLog;
}

/** @param settings instead of a file that keeps every trace */
export function testTracing(settings: Partial<AgentConfig> = {}): TestTracing {
  const log = new MemoryLog();
  const spans = new KeptSpans();
  const config = { ...parseConfig({}, () => ''), ...settings };
  const loaded = createTracing(config, { clock: realClock, log, exporter: spans });
  const answered: Tracing['answered'] = (...request) => loaded.answered(...request, realClock.nowMs());
  return { tracing: { ...loaded, answered }, spans, log };
}

/** Settings of a collector that keeps this share of new traces. */
export const sampling = (sampleRate: number): Partial<AgentConfig> => ({
  tracing: {
    ...{ enabled: true, serviceName: 'agent', environment: 'test' },
    exporter: { kind: 'otlp', endpoint: 'localhost:1', protocol: 'http', sampleRate },
  },
});

export const epochMs = ([seconds, nanoseconds]: readonly [number, number]): number =>
  seconds * 1000 + nanoseconds / 1_000_000;
