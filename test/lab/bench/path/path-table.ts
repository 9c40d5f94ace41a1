// The path of a change as people read it: each request with its bar on the same scale.

import { table } from '../../../../infra/local/cli.ts';
import { format } from '../goals.ts';
import { DISTANCES, type Leg, type PathReport } from './path.ts';

const BAR_CHARACTERS = 50;

export function pathTable({
  changes,
  datafileBytes,
  seenMs,
  answerMs,
  timeline,
  ...cpu
}: PathReport): string {
  const { cdn, s3, sns } = DISTANCES;
  const facts = `${changes} changes, one agent, warm, datafile of ${datafileBytes} bytes; CDN ${cdn.readMs} ms away, S3 ${s3.readMs} ms to read and ${s3.writeMs} to write, SNS ${sns.writeMs}, bus 1 each way`;
  const endMs = Math.max(...timeline.map(({ toMs }) => toMs), 1);
  const rows = timeline.map((leg) => [
    leg.what,
    `${leg.fromMs.toFixed(0)} ms`,
    `${leg.toMs.toFixed(0)} ms`,
    barOf(leg, endMs),
  ]);
  const times = table([
    ['', 'p50', 'p99', 'max'],
    ['webhook sent → decision seen', ...[seenMs.p50, seenMs.p99, seenMs.max].map(ms)],
    ['webhook sent → webhook answered', ...[answerMs.p50, answerMs.p99, answerMs.max].map(ms)],
  ]);
  const cpuLine = `processor time until the decision is seen: webhook ${ms(cpu.webhookCpuMs)}, agent ${ms(cpu.agentCpuMs)}`;
  return `${facts}\n\nthe change that took the median time\n${table([['', 'from', 'to', ''], ...rows])}\n\n${times}\n\n${cpuLine}`;
}

const ms = (value: number): string => `${format(value)} ms`;

function barOf({ fromMs, toMs }: Leg, endMs: number): string {
  const at = (value: number) => Math.max(0, Math.round((value / endMs) * BAR_CHARACTERS));
  return `${' '.repeat(at(fromMs))}${'█'.repeat(Math.max(1, at(toMs) - at(fromMs)))}`;
}
