import { describe, expect, it } from 'vitest';
import { Outlet } from '../../../agent/events/endpoint.ts';
import type { Batch } from '../../../agent/events/event.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { settled } from '../support/fakes.ts';
import { FakeEndpoint, queuedEvent, URL_US } from './support.ts';

async function setUp({ down = false }) {
  const endpoint = new FakeEndpoint();
  endpoint.answer = () => (down ? { kind: 'failed', reason: 'down' } : new Promise(() => {}));
  const nothing = () => {};
  const outlet = new Outlet({
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
  if (down) outlet.push([queuedEvent('probe')]);
  await settled();
  return outlet;
}

const nameOf = ([event]: Batch): string => /user of (\w+)/.exec(event?.json ?? '')?.[1] ?? '';

describe('what is ready at an endpoint', () => {
  it('is offered youngest first, and what is not taken stays in its order', async () => {
    const outlet = await setUp({ down: true });
    for (const name of ['a', 'b', 'c', 'd']) outlet.push([queuedEvent(name)]);
    const offered: string[] = [];
    outlet.offer((batch) => {
      offered.push(nameOf(batch));
      return ['b', 'd'].includes(nameOf(batch)) === false;
    });
    expect(offered).toEqual(['d', 'c', 'b', 'a', 'probe']);
    expect([outlet.takeFirst(), outlet.takeFirst()].map((batch) => batch && nameOf(batch))).toEqual([
      'b',
      undefined,
    ]);
  });

  it('is never offered whole while the endpoint is down: something has to ask whether it is back', async () => {
    const outlet = await setUp({ down: true });
    outlet.push([queuedEvent('a')]);
    outlet.offer(() => true);
    expect(outlet.takeFirst()).toBeUndefined();
    expect(outlet.close().map(nameOf)).toEqual(['probe']);
  });
});
