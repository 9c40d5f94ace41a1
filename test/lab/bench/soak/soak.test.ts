import { describe, expect, it } from 'vitest';
import { percentile } from '../stats.ts';
import { AnswerReader } from './soak-answer.ts';
import { Histogram } from './soak-histogram.ts';
import { lowest, slopeOf } from './soak-memory.ts';

const MIB = 1024 * 1024;
const samplesOf = (mb: (i: number) => number) =>
  Array.from({ length: 120 }, (_, i) => ({ atMs: i * 5_000, bytes: mb(i) * MIB }));

describe('the slope of memory', () => {
  it('the slope of memory is that of a line', () => {
    // One MB in five seconds is 720 in an hour.
    expect(slopeOf(samplesOf((i) => 100 + i)).mbPerH).toBeCloseTo(720);
    expect(slopeOf(samplesOf(() => 100)).mbPerH).toBeCloseTo(0);
  });

  it('the slope of memory does not see what a collector takes away again', () => {
    const sawtooth = samplesOf((i) => 100 + (i % 7) * 10);
    expect(slopeOf(lowest(sawtooth)).mbPerH).toBeCloseTo(0);
    expect(slopeOf(lowest(samplesOf((i) => 100 + i + (i % 7) * 10))).mbPerH).toBeGreaterThan(500);
  });

  it('the slope of memory is unknown for fewer than three samples', () => {
    expect(slopeOf(samplesOf(() => 1).slice(0, 2)).mbPerH).toBeNaN();
  });
});

describe('the histogram', () => {
  it('knows percentiles to 2%', () => {
    const values = Array.from({ length: 5_000 }, (_, i) => 0.05 + (i * i) / 1_000);
    const histogram = new Histogram();
    for (const value of values) histogram.add(value);
    for (const fraction of [0.01, 0.5, 0.99, 1]) {
      const exact = percentile(values, fraction);
      expect(Math.abs(histogram.percentile(fraction) / exact - 1)).toBeLessThan(0.021);
    }
    expect(histogram.max).toBe(values.at(-1));
    expect(new Histogram().percentile(0.5)).toBeNaN();
  });
});

describe('an answer', () => {
  const text = 'HTTP/1.1 200 OK\r\nX-Datafile-Seq: 12\r\nContent-Length: 5\r\n\r\nhello';

  it('an answer is read wherever it is cut', () => {
    for (let cut = 1; cut < text.length; cut++) {
      const reader = new AnswerReader();
      expect(reader.read(Buffer.from(text.slice(0, cut)))).toBeNull();
      expect(reader.read(Buffer.from(text.slice(cut)))).toEqual({ status: 200, seq: 12 });
    }
  });

  it('an answer is refused when it has no length, or more than one was asked for', () => {
    expect(() => new AnswerReader().read(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))).toThrow();
    expect(() => new AnswerReader().read(Buffer.from(text + text))).toThrow();
  });
});
