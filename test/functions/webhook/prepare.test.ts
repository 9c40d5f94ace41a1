// What is done before the first webhook: within its time, and never in a webhook's way.

import { beforeEach, expect, it } from 'vitest';
import { unchanging } from '../../../functions/settings/refreshing-secret.ts';
import { openConnections } from '../../../functions/webhook/connections.ts';
import { PREPARE_MAX_MS, prepare } from '../../../functions/webhook/prepare.ts';
import { datafileOf, failure, KEY } from '../../support/datafiles.ts';
import { type FakeDeps, fakeDeps } from '../../support/functions/fakes.ts';
import { projectsOf, sendWebhook } from '../../support/functions/webhooks.ts';

let deps: FakeDeps;
beforeEach(() => {
  deps = fakeDeps();
});

it('a step that fails is told of, and the others are waited for', async () => {
  let isDone = false;
  const failing = () => Promise.reject(new Error('no bus'));
  const working = async () => {
    isDone = true;
  };
  await prepare(deps, [failing, working]);
  expect(isDone).toBe(true);
  expect(deps.lines.map(({ event }) => event)).toEqual(['rehearsal.failed']);
});

it('a step that hangs holds up the start for its time and no longer, and is told so', async () => {
  let isOver = false;
  let signal: AbortSignal | null = null;
  const hanging = (timeIsUp: AbortSignal) => {
    signal = timeIsUp;
    return new Promise<void>(() => {});
  };
  const prepared = prepare(deps, [hanging]).then(() => {
    isOver = true;
  });
  deps.clock.advance(PREPARE_MAX_MS - 1);
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  expect(signal).toHaveProperty('aborted', false);
  deps.clock.advance(1);
  await prepared;
  expect(signal).toHaveProperty('aborted', true);
});

it('connections are opened by reads, and the CDN is asked for nothing that is known', async () => {
  deps.cdn.serve(datafileOf(1));
  expect(await sendWebhook(deps, 1)).toBe(204);
  const { writes } = deps.record;
  const fetches = deps.cdn.fetches;
  await openConnections(deps, unchanging(projectsOf(KEY)));
  expect(deps.record.writes).toBe(writes);
  expect(deps.cdn.fetches).toBe(fetches);
  expect(deps.cdn.notModified).toBe(1);
  expect(deps.record.lastSeen(KEY)?.revision).toBe(1);
});

it('a record that has nothing yet leaves the CDN alone', async () => {
  await openConnections(deps, unchanging(projectsOf(KEY)));
  expect(deps.cdn.asked).toEqual([]);
});

it('a bus without its stream, as before the first change, has been reached', async () => {
  deps.bus.readHead = () => Promise.reject(failure('STREAM_MISSING'));
  await openConnections(deps, unchanging(projectsOf(KEY)));
  deps.bus.readHead = () => Promise.reject(failure('BUS_UNAVAILABLE'));
  await expect(openConnections(deps, unchanging(projectsOf(KEY)))).rejects.toMatchObject({
    code: 'BUS_UNAVAILABLE',
  });
});
