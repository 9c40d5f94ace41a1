// How many signed webhooks are worked on at once, and that requests of strangers take no place.

import { expect, it } from 'vitest';
import { Door } from '../../support/functions/webhook-door.ts';

/** A door with one place, which is taken until the returned function is called. */
function busyDoor() {
  const door = new Door({}, 1);
  const { cdn } = door.deps;
  const fetch = cdn.fetch.bind(cdn);
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  cdn.fetch = async (...args) => {
    await held;
    return fetch(...args);
  };
  return { door, release: () => release() };
}

it('asks the sender of a webhook that finds no place to come again, and says so once', async () => {
  const { door, release } = busyDoor();
  const first = door.send({ ageS: 1 });
  for (const ageS of [2, 3])
    expect(await door.send({ ageS })).toMatchObject({
      status: 503,
      retryAfterS: 1,
      body: { code: 'WEBHOOKS_BUSY' },
    });
  release();
  expect((await first).status).toBe(204);
  expect((await door.send({ ageS: 4 })).status).toBe(204);
  const told = door.deps.lines.filter(({ event }) => event === 'webhook.rate-limited');
  expect(told).toMatchObject([
    { atOnceMax: 1, ended: false },
    { refused: 2, ended: true },
  ]);
  expect(door.deps.counts.get('WebhookRateLimited')).toBe(2);
  expect(door.deps.counts.get('WebhookRejected')).toBeUndefined();
});

it('refuses a stranger for what the request is while every place is taken', async () => {
  const { door, release } = busyDoor();
  const first = door.send();
  expect((await door.send({ secret: 'guessed' })).status).toBe(401);
  release();
  expect((await first).status).toBe(204);
});
