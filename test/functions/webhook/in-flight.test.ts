import { describe, expect, it } from 'vitest';
import { InFlight } from '../../../functions/webhook/in-flight.ts';
import { Door } from '../../support/functions/webhook-door.ts';

type Status = 204 | 202 | 503;

/** Work that ends when it is told to, and counts how often it began. */
function controlled() {
  const ends: ((status: Status) => void)[] = [];
  const fails: ((error: Error) => void)[] = [];
  const work = () =>
    new Promise<Status>((resolve, reject) => {
      ends.push(resolve);
      fails.push(reject);
    });
  return { work, ends, fails };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('webhooks of one change at once', () => {
  it('ask Optimizely twice, not a hundred times, and are all answered', async () => {
    const one = new Door();
    await one.send();
    const many = new Door();
    // Stamped apart, so that none is another's repetition.
    const answers = await Promise.all(Array.from({ length: 100 }, (_, ageS) => many.send({ ageS })));
    expect(answers).toEqual(answers.map(() => ({ status: 204 })));
    expect(many.cost.asked).toBeLessThanOrEqual(2 * one.cost.asked);
    expect(many.cost.writes).toBeLessThanOrEqual(2 * one.cost.writes);
    expect(many.guard.flights.size).toBe(0);
  });

  it('share one more run, which begins after all of them came', async () => {
    const flights = new InFlight();
    const { work, ends } = controlled();
    const first = flights.join('k 1', work);
    const others = Array.from({ length: 100 }, () => flights.join('k 1', work));
    await settled();
    // What the first one fetched may be older than what the others announce.
    expect(ends).toHaveLength(1);
    ends[0]?.(204);
    await expect(first).resolves.toBe(204);
    await settled();
    expect(ends).toHaveLength(2);
    const late = flights.join('k 1', work);
    ends[1]?.(204);
    expect(new Set(await Promise.all(others))).toEqual(new Set([204]));
    await settled();
    expect(ends).toHaveLength(3);
    ends[2]?.(204);
    await expect(late).resolves.toBe(204);
    await settled();
    expect(flights.size).toBe(0);
  });

  it.each([202, 503] as const)(
    'are answered %d as the one they waited for, and nothing is kept',
    async (status) => {
      const flights = new InFlight();
      const { work, ends } = controlled();
      const both = [flights.join('k 1', work), flights.join('k 1', work)];
      ends[0]?.(status);
      await expect(Promise.all(both)).resolves.toEqual([status, status]);
      expect(ends).toHaveLength(1);
      expect(flights.size).toBe(0);
      const next = flights.join('k 1', work);
      ends[1]?.(204);
      await expect(next).resolves.toBe(204);
    },
  );

  it('fail together, and the next one is tried', async () => {
    const flights = new InFlight();
    const { work, fails, ends } = controlled();
    const both = [flights.join('k 1', work), flights.join('k 1', work)];
    fails[0]?.(new Error('boom'));
    const outcomes = await Promise.allSettled(both);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const next = flights.join('k 1', work);
    ends[1]?.(204);
    await expect(next).resolves.toBe(204);
  });

  it('webhooks of other keys or revisions do not wait', async () => {
    const flights = new InFlight();
    const { work, ends } = controlled();
    const both = [flights.join('k 1', work), flights.join('k 2', work)];
    expect(ends).toHaveLength(2);
    for (const end of ends) end(204);
    await Promise.all(both);
  });
});
