// A change's trace: the swaps of all agents in one trace that none of them had to be told of.

import { describe, expect, it } from 'vitest';
import type { Swapped } from '../../../agent/tracing/types.ts';
import type { ChangeId, Seq } from '../../../core/ids.ts';
import { changeTraceId } from '../../../core/trace.ts';
import { candidateOf, OTHER_KEY } from '../support/fakes.ts';
import { epochMs, testTracing } from './spans.ts';

const RECEIVED_MS = 1_700_000_000_000;
const swapOf = (revision: number, more: Partial<Swapped> = {}): Swapped => ({
  ...candidateOf(revision),
  ...{ receivedAtMs: RECEIVED_MS, publishedAtMs: RECEIVED_MS + 40, acceptedAtMs: RECEIVED_MS + 65 },
  ...more,
});

async function spansOf(swaps: readonly Swapped[]) {
  const { tracing, spans } = testTracing();
  for (const swap of swaps) tracing.swapped(swap);
  await tracing.stop();
  return spans.all;
}

const timesOf = ({ startTime, endTime }: Awaited<ReturnType<typeof spansOf>>[number]) => [
  epochMs(startTime) - RECEIVED_MS,
  epochMs(endTime) - RECEIVED_MS,
];

describe('a swap', () => {
  it('lasts from publication to serving, and says whence it came', async () => {
    const [, span] = await spansOf([swapOf(1), swapOf(2, { source: 's3' })]);
    expect(span?.name).toBe('datafile.swap');
    expect(span && timesOf(span)).toEqual([40, 65]);
    expect(span?.attributes).toMatchObject({
      ...{ 'fanout.seq': 2, 'fanout.revision': 2, 'fanout.change_id': 'change-2', 'fanout.source': 's3' },
      ...{ 'fanout.first': false, 'fanout.since_received_ms': 65 },
    });
  });

  it('a swap is in the trace of its change, with those of every other agent', async () => {
    const [[one], [other]] = await Promise.all([spansOf([swapOf(7)]), spansOf([swapOf(7)])]);
    expect(one?.spanContext().traceId).toBe(changeTraceId('change-7'));
    expect(other?.spanContext().traceId).toBe(changeTraceId('change-7'));
    expect(one?.spanContext().spanId).not.toBe(other?.spanContext().spanId);
    expect(one?.parentSpanContext).toBeUndefined();
  });

  it('a swap has no duration for the first version of a key, also after the key was forgotten, and for a version from disk', async () => {
    const { tracing, spans } = testTracing();
    tracing.swapped(swapOf(1));
    tracing.swapped(swapOf(2, { source: 'disk' }));
    tracing.swapped(swapOf(3));
    tracing.swapped(swapOf(1, candidateOf(1, { sdkKey: OTHER_KEY })));
    const { sdkKey } = swapOf(1);
    tracing.forgotten(sdkKey);
    tracing.swapped(swapOf(4));
    await tracing.stop();
    const lasted = spans.all.map(timesOf).map(([start = 0, end = 0]) => end - start);
    expect(lasted).toEqual([0, 0, 25, 0, 0]);
    expect(spans.all.map(({ attributes }) => attributes['fanout.first'])).toEqual([
      true,
      false,
      false,
      true,
      true,
    ]);
  });

  it('begins with the webhook where the time of publication is not known', async () => {
    const { publishedAtMs: _, ...unpublished } = swapOf(2);
    const [, span] = await spansOf([swapOf(1), unpublished]);
    expect(span && timesOf(span)).toEqual([0, 65]);
  });

  it('a swap does not end before it begins, also where the clocks of two machines differ', async () => {
    const [, span] = await spansOf([swapOf(1), swapOf(2, { acceptedAtMs: RECEIVED_MS - 10 })]);
    expect(span && timesOf(span)).toEqual([-10, -10]);
    expect(span?.attributes['fanout.since_received_ms']).toBe(0);
  });

  it('straight from the CDN is told apart by its bytes: revisions of two projects are alike', async () => {
    const cdn = (sdkKey: Swapped['sdkKey']) => {
      const candidate = candidateOf(5, {
        sdkKey,
        seq: 0 as Seq,
        changeId: 'cdn-5' as ChangeId,
        source: 'cdn',
      });
      return swapOf(5, candidate);
    };
    const [one, same, other] = await spansOf([cdn(swapOf(5).sdkKey), cdn(swapOf(5).sdkKey), cdn(OTHER_KEY)]);
    expect(one?.spanContext().traceId).toBe(same?.spanContext().traceId);
    expect(one?.spanContext().traceId).not.toBe(other?.spanContext().traceId);
  });
});
