// The built agent in several processes behind one port: whichever worker a connection is at, it is one agent.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FROZEN_AFTER_MS } from '../../agent/workers/frozen-watch.ts';
import { OTHER_KEY } from '../agent/support/fakes.ts';
import { flagsBody } from '../agent/support/flags.ts';
import { eventually } from '../support/eventually.ts';
import { isAlive, WorkersAgent } from './workers-agent.ts';

let agent: WorkersAgent;

beforeAll(async () => {
  agent = await WorkersAgent.start();
});
afterAll(() => agent.close());

describe('an agent with two workers', () => {
  it('hands connections to both, and both serve', async () => {
    await agent.whole();
    const [one, other] = agent.connections();
    for (const connection of [one, other])
      expect(await connection.decide('plain', 'ann')).toMatchObject({
        status: 200,
        revision: 1,
        enabled: true,
      });
    const { workers } = await agent.health();
    expect(workers).toMatchObject({ wanted: 2, serving: 2, ready: true, whole: true });
  });

  it('brings a new datafile to both, and neither goes back', async () => {
    const connections = agent.connections();
    agent.cdn.bodies.set(agent.sdkKey, flagsBody(2));
    const seen = connections.map(() => 0);
    await eventually('both serve revision 2', async () => {
      for (const [i, connection] of connections.entries()) {
        const { revision } = await connection.decide('plain', 'ann');
        expect(revision).toBeGreaterThanOrEqual(seen[i] as number);
        seen[i] = revision;
      }
      return seen.every((revision) => revision === 2);
    });
  });

  it('shares overrides: what one was told holds for the next request at the other', async () => {
    const [one, other] = agent.connections();
    const override = (variationKey: string) =>
      one.post('/v1/override', { userId: 'tester', experimentKey: 'test_rule', variationKey });
    expect((await override('nothing_like_it')).status).toBe(200);
    const clash = await other.post('/v1/override', {
      ...{ userId: 'tester', experimentKey: 'test_rule', variationKey: 'test_rule_on' },
    });
    expect(JSON.parse(clash.body)).toMatchObject({ prevVariationKey: 'nothing_like_it' });
    expect((await override('')).status).toBe(200);
    const none = await other.post('/v1/override', {
      ...{ userId: 'tester', experimentKey: 'test_rule', variationKey: 'test_rule_on' },
    });
    expect(JSON.parse(none.body)).toMatchObject({ prevVariationKey: '' });
  });

  it('shares profiles that are kept in memory', async () => {
    const [one, other] = agent.connections();
    const profile = { userId: 'ann', experimentBucketMap: { '1': { variation_id: '11' } } };
    expect((await one.post('/v1/save', profile)).status).toBe(200);
    expect(JSON.parse((await other.post('/v1/lookup', { userId: 'ann' })).body)).toEqual(profile);
    await other.post('/v1/reset', {});
    expect(JSON.parse((await one.post('/v1/lookup', { userId: 'ann' })).body)).toEqual({
      ...{ userId: 'ann', experimentBucketMap: {} },
    });
  });

  it('loads an unlisted key for both workers, and refuses an unknown key in both', async () => {
    const [one, other] = agent.connections();
    agent.cdn.bodies.set(OTHER_KEY, flagsBody(7, 'hello', OTHER_KEY));
    for (const connection of [one, other])
      expect(await connection.decide('plain', 'ann', OTHER_KEY)).toMatchObject({ status: 200, revision: 7 });
    for (const connection of [one, other])
      expect(await connection.decide('plain', 'ann', 'NobodyHasThisKey')).toMatchObject({ status: 403 });
    expect((await agent.health()).datafiles.map(({ sdkKey }) => sdkKey)).toContain(OTHER_KEY);
  });

  it('shows the decisions of both on a stream at either', async () => {
    const [one, other] = agent.connections();
    const notes = await agent.listen();
    await one.decide('plain', 'heard-1');
    await other.decide('plain', 'heard-2');
    await eventually('both are heard', () =>
      ['heard-1', 'heard-2'].every((user) => notes.text().includes(user)),
    );
    notes.end();
  });

  it('counts what both did', async () => {
    const before = [await agent.decisionsCounted(), await agent.decisionsTimed()] as const;
    for (const connection of agent.connections()) await connection.decide('plain', 'ann');
    expect((await agent.decisionsCounted()) - before[0]).toBe(2);
    expect((await agent.decisionsTimed()) - before[1]).toBe(2);
  });

  it('goes on without a worker that is killed, and gives the next one all there is', async () => {
    const before = await agent.decisionsCounted();
    const [one, other] = agent.connections();
    await one.post('/v1/override', { ...{ userId: 'kept', experimentKey: 'test_rule', variationKey: 'x' } });
    const [victim] = (await agent.health()).workers?.all ?? [];
    const failures = [0, 0];
    let asking = true;
    let asked = 0;
    const askers = [one, other].map(async (connection, i) => {
      while (asking) {
        const answer = await connection.decide('plain', 'ann').catch(() => null);
        if (answer?.status !== 200) failures[i] = (failures[i] as number) + 1;
        asked++;
      }
    });
    await eventually('they are at it', () => asked > 20);
    process.kill(victim?.pid as number, 'SIGKILL');
    await eventually('a client notices', () => failures.some((count) => count > 0));
    for (let i = 0; i < 10; i++) expect((await agent.fresh().decide('plain', 'new')).status).toBe(200);
    await agent.whole();
    asking = false;
    await Promise.all(askers);
    // One connection was cut, and once more where its next was handed over before the primary knew of the death; the
    // other never noticed.
    expect(Math.min(...failures)).toBe(0);
    expect(Math.max(...failures)).toBeLessThanOrEqual(2);
    expect((await agent.health()).workers?.all.map(({ restarts }) => restarts)).toEqual([1, 0]);
    for (const connection of agent.connections()) {
      expect(await connection.decide('plain', 'ann')).toMatchObject({ status: 200, revision: 2 });
      const again = await connection.post('/v1/override', {
        ...{ userId: 'kept', experimentKey: 'test_rule', variationKey: 'x' },
      });
      expect(JSON.parse(again.body)).toMatchObject({ prevVariationKey: 'x' });
    }
    expect(await agent.decisionsCounted()).toBeGreaterThan(before);
    expect(agent.lines.find(({ event }) => event === 'worker.exited')).toMatchObject({
      ...{ worker: 1, pid: victim?.pid, code: 'WORKER_FAILED' },
      error: expect.stringContaining('SIGKILL'),
    });
  });

  it('sends the events of both, and loses none when it is stopped', async () => {
    const users = Array.from({ length: 60 }, (_, i) => `event-${i}`);
    const connections = agent.connections();
    await Promise.all(users.map((user, i) => connections[i % 2]?.decide('plain', user)));
    expect(await agent.stop()).toBe(0);
    const sent = agent.events.seen.map(({ body }) => body).join();
    expect(users.filter((user) => !sent.includes(`"visitor_id":"${user}"`))).toEqual([]);
    expect(agent.lines.map(({ event }) => event).slice(-2)).toEqual(['agent.stopping', 'agent.stopped']);
  });
});

it('lets no connection wait for a worker that froze and died', async () => {
  const frozen = await WorkersAgent.start();
  try {
    await frozen.whole();
    const [victim] = (await frozen.health()).workers?.all ?? [];
    process.kill(victim?.pid as number, 'SIGSTOP');
    const answers: (number | string)[] = [];
    const answered = (answer: number | string) => void answers.push(answer);
    for (let i = 0; i < 6; i++) {
      const decided = frozen.fresh().decide('plain', `user-${i}`);
      decided.then(
        ({ status }) => answered(status),
        () => answered('cut'),
      );
    }
    await eventually('the other worker answers the rest', () => answers.length === 5);
    process.kill(victim?.pid as number, 'SIGKILL');
    await eventually('the last one is cut off', () => answers.length === 6);
    expect(answers).toEqual([200, 200, 200, 200, 200, 'cut']);
  } finally {
    await frozen.close();
  }
});

it('replaces a worker that does not answer any more, and says so', async () => {
  const frozen = await WorkersAgent.start();
  try {
    await frozen.whole();
    const [victim] = (await frozen.health()).workers?.all ?? [];
    process.kill(victim?.pid as number, 'SIGSTOP');
    const replaced = () => frozen.lines.find(({ event }) => event === 'worker.replaced');
    await eventually('it is noticed', replaced, 4 * FROZEN_AFTER_MS);
    expect(replaced()).toMatchObject({
      pid: victim?.pid,
      reason: expect.stringContaining('does not answer'),
    });
    await eventually('its place is taken', () => !isAlive(victim?.pid as number));
    await frozen.whole();
    const { workers } = await frozen.health();
    expect(workers).toMatchObject({ serving: 2, frozen: 1 });
    expect(workers?.all.map(({ restarts }) => restarts)).toEqual([1, 0]);
    expect(await frozen.workersFrozen()).toBe(1);
    for (let i = 0; i < 4; i++) expect((await frozen.fresh().decide('plain', 'ann')).status).toBe(200);
  } finally {
    await frozen.close();
  }
}, 60_000);

it('leaves no worker behind when its primary is killed', async () => {
  const short = await WorkersAgent.start();
  try {
    await short.whole();
    const pids = (await short.health()).workers?.all.map(({ pid }) => pid as number) ?? [];
    expect(pids.filter(isAlive)).toHaveLength(2);
    short.kill();
    await eventually('they are gone', () => !pids.some(isAlive));
  } finally {
    await short.close();
  }
});

it('ends with 1 when its port is taken', async () => {
  const first = await WorkersAgent.start();
  try {
    const second = WorkersAgent.spawn({ OPTIMIZELY_API_PORT: String(first.apiPort) }, first);
    expect(await second.ended).toBe(1);
    expect(second.lines.at(-1)).toMatchObject({
      event: 'agent.stopped',
      error: expect.stringContaining('EADDRINUSE'),
    });
  } finally {
    await first.close();
  }
});
