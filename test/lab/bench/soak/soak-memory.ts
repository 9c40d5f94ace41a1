// Whether processes keep their memory: samples of what is resident, and the line through them by least squares. Linux only,
// as /proc is. Knows nothing of what the processes do.

import { readFile } from 'node:fs/promises';

const KIB = 1024;
const MIB = 1024 * 1024;
const MS_PER_H = 3_600_000;
/** A collector lets a heap grow and shrink all the time: what counts is the least of each stretch. */
const STRETCHES = 12;

export interface MemorySample {
  readonly atMs: number;
  readonly bytes: number;
}

export interface Slope {
  readonly mbPerH: number;
  /** Standard error of the slope, in the same unit. */
  readonly errorMbPerH: number;
}

export interface ProcessMemory extends Slope {
  readonly name: string;
  readonly firstMb: number;
  readonly lastMb: number;
}

/** What is resident of a process, bytes; null when it is gone. */
export async function residentBytes(pid: number): Promise<number | null> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
    return kib === undefined ? null : Number(kib) * KIB;
  } catch {
    return null; // The process has ended; the soak counts that elsewhere.
  }
}

/** The least sample of each of a dozen equal stretches of time, in order. */
export function lowest(samples: readonly MemorySample[]): MemorySample[] {
  const [first] = samples;
  const last = samples.at(-1);
  if (first === undefined || last === undefined || first === last) return [...samples];
  const stretchMs = (last.atMs - first.atMs) / STRETCHES;
  const least = new Map<number, MemorySample>();
  for (const sample of samples) {
    const stretch = Math.min(STRETCHES - 1, Math.floor((sample.atMs - first.atMs) / stretchMs));
    const before = least.get(stretch);
    if (before === undefined || sample.bytes < before.bytes) least.set(stretch, sample);
  }
  return [...least.values()];
}

/** Least squares; NaN for fewer than three samples. */
export function slopeOf(samples: readonly MemorySample[]): Slope {
  const count = samples.length;
  if (count < 3) return { mbPerH: Number.NaN, errorMbPerH: Number.NaN };
  const x = samples.map(({ atMs }) => atMs / MS_PER_H);
  const y = samples.map(({ bytes }) => bytes / MIB);
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / count;
  const [xMean, yMean] = [mean(x), mean(y)];
  const sumXx = x.reduce((sum, value) => sum + (value - xMean) ** 2, 0);
  const sumXy = x.reduce((sum, value, i) => sum + (value - xMean) * ((y[i] as number) - yMean), 0);
  const mbPerH = sumXy / sumXx;
  const residual = x.reduce((sum, value, i) => {
    const expected = yMean + mbPerH * (value - xMean);
    return sum + ((y[i] as number) - expected) ** 2;
  }, 0);
  return { mbPerH, errorMbPerH: Math.sqrt(residual / (count - 2) / sumXx) };
}

/** @param fromMs samples before it are warm-up */
export function memoryOf(name: string, samples: readonly MemorySample[], fromMs: number): ProcessMemory {
  const measured = lowest(samples.filter(({ atMs }) => atMs >= fromMs));
  const mb = (sample: MemorySample | undefined) => (sample?.bytes ?? Number.NaN) / MIB;
  return { name, ...slopeOf(measured), firstMb: mb(measured[0]), lastMb: mb(measured.at(-1)) };
}
