// Catching up where the bus does not answer, on a connection that is held by hand.

import type { connect } from 'nats.ws';
import { describe, expect, it } from 'vitest';
import { NatsSource } from '../../../../agent/datafiles/sources/nats.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { KEY, RecordingSink, settled } from '../../support/fakes.ts';

const NOT_YET_MS = 900;
const RETRIED_MS = 100;

async function linked() {
  const clock = new ManualClock();
  const asked: string[] = [];
  const bus = { answers: false };
  const connection = {
    subscribe: () => ({ unsubscribe: () => {} }),
    request: async (subject: string) => {
      asked.push(subject);
      if (!bus.answers) throw new Error('timeout');
      return { headers: { code: 404 } };
    },
    status: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
    close: async () => {},
  };
  const nothing = () => {};
  const source = new NatsSource(new RecordingSink(), {
    ...{ settings: { servers: ['ws://held'] }, clock, random: () => 0 },
    events: {
      ...{ connected: nothing, disconnected: nothing, pingsUnanswered: nothing, caughtUp: nothing },
      ...{ head: nothing, beat: nothing },
    },
    resolveBody: () => Promise.reject(new Error('not asked')),
    connect: (async () => connection) as unknown as typeof connect,
  });
  source.start();
  await settled();
  return { clock, asked, bus, source };
}

describe('a key that is watched while the bus does not answer', () => {
  it('a key that is watched while the bus does not answer is asked for again a moment later, until it is answered', async () => {
    const { clock, asked, bus, source } = await linked();
    await source.watch(KEY);
    expect(asked).toHaveLength(1);
    clock.advance(NOT_YET_MS);
    await settled();
    expect(asked).toHaveLength(1);
    clock.advance(RETRIED_MS);
    await settled();
    expect(asked).toHaveLength(2);
    bus.answers = true;
    clock.advance(NOT_YET_MS + RETRIED_MS);
    await settled();
    clock.advance(60_000);
    await settled();
    expect(asked).toHaveLength(3);
    await source.stop();
  });

  it('a key that is watched while the bus does not answer is not asked for any more once the source has stopped', async () => {
    const { clock, asked, source } = await linked();
    await source.watch(KEY);
    await source.stop();
    clock.advance(60_000);
    await settled();
    expect(asked).toHaveLength(1);
  });
});
