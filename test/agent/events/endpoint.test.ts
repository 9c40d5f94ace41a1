import { describe, expect, it } from 'vitest';
import { EventEndpoint } from '../../../agent/events/endpoint.ts';
import type { Batch } from '../../../agent/events/event.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { settled } from '../support/fakes.ts';
import { FakeEndpoint, queuedEvent, URL_US } from './support.ts';

async function setUp({ down = false }) {
  const endpoint = new FakeEndpoint();
  endpoint.answer = () => (down ? { kind: 'failed', reason: 'down' } : new Promise(() => {}));
  const nothing = () => {};
  const queue = new EventEndpoint({
    ...{ url: URL_US, post: endpoint.post, clock: new ManualClock(), random: () => 0.5 },
    ...{
      onSent: nothing,
      onRefused: nothing,
      onGivenUp: nothing,
      onDown: nothing,
      onUp: nothing,
      onRequest: nothing,
    },
  });
  if (down) queue.push([queuedEvent('probe')]);
  await settled();
  return queue;
}

const nameOf = ([event]: Batch): string => /user of (\w+)/.exec(event?.json ?? '')?.[1] ?? '';

describe('what is ready at an endpoint', () => {
  it('is offered youngest first, and what is not taken stays in its order', async () => {
    const queue = await setUp({ down: true });
    for (const name of ['a', 'b', 'c', 'd']) queue.push([queuedEvent(name)]);
    const offered: string[] = [];
    queue.offer((batch) => {
      offered.push(nameOf(batch));
      return ['b', 'd'].includes(nameOf(batch)) === false;
    });
    expect(offered).toEqual(['d', 'c', 'b', 'a', 'probe']);
    expect([queue.takeFirst(), queue.takeFirst()].map((batch) => batch && nameOf(batch))).toEqual([
      'b',
      undefined,
    ]);
  });

  it('is never offered whole while the endpoint is down: something has to ask whether it is back', async () => {
    const queue = await setUp({ down: true });
    queue.push([queuedEvent('a')]);
    queue.offer(() => true);
    expect(queue.takeFirst()).toBeUndefined();
    expect(queue.close().map(nameOf)).toEqual(['probe']);
  });
});
