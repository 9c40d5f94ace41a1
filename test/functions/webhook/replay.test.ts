// Signed webhooks that come again or late: what each is answered, what it costs, and that nothing is lost.

import { describe, expect, it } from 'vitest';
import { REMEMBERED_MAX, Replays } from '../../../functions/webhook/replay.ts';
import { DEFAULTS, Door } from '../../support/functions/webhook-door.ts';

describe('a webhook that comes again', () => {
  it('a webhook that comes again is answered 204 by one look at the record, and Optimizely is not asked', async () => {
    const door = new Door();
    expect(await door.send()).toEqual({ status: 204 });
    const { reads, writes, asked } = door.cost;
    expect(await door.send()).toEqual({ status: 204 });
    expect(door.cost).toEqual({ reads: reads + 1, writes, asked });
    expect(door.deps.lines).toContainEqual(expect.objectContaining({ reason: 'repeated', revision: 13 }));
  });

  it('while it is under way gets the same answer, and no work', async () => {
    const one = new Door();
    await one.send();
    const many = new Door();
    const answers = await Promise.all(Array.from({ length: 50 }, () => many.send()));
    expect(answers).toEqual(answers.map(() => ({ status: 204 })));
    expect(many.cost).toEqual(one.cost);
  });

  it('while it is under way is not told that all is well when it is not', async () => {
    const door = new Door();
    door.deps.cdn.served = {};
    door.deps.topic.isDown = true;
    door.deps.cdn.onFetch = () => door.deps.clock.advance(200);
    const answers = await Promise.all([door.send(), door.send()]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503]);
  });

  it('after it was only queued is worked on again', async () => {
    const door = new Door();
    door.serve(12);
    door.deps.cdn.onFetch = () => door.deps.clock.advance(200);
    expect((await door.send()).status).toBe(202);
    door.serve(13);
    expect(
      (await door.send({ ageS: Math.floor(door.deps.clock.nowMs() / 1000) - 1_700_000_000 })).status,
    ).toBe(204);
    expect(door.deps.record.headOf()?.revision).toBe(13);
  });

  it('when the record has lost its revision meanwhile is worked on as if it were new', async () => {
    const door = new Door();
    await door.send();
    door.deps.record.manifests.clear();
    expect(await door.send()).toEqual({ status: 204 });
    expect(door.deps.record.headOf()?.revision).toBe(13);
  });

  it('when the record went back behind its revision is worked on too', async () => {
    const door = new Door();
    door.serve(12);
    await door.send({ revision: 12 });
    const before = new Map(door.deps.record.manifests);
    door.serve(13);
    await door.send();
    for (const [sdkKey, stored] of before) door.deps.record.manifests.set(sdkKey, stored);
    expect(await door.send()).toEqual({ status: 204 });
    expect(door.deps.record.headOf()?.revision).toBe(13);
  });

  it('while S3 does not answer is queued, not believed', async () => {
    const door = new Door();
    await door.send();
    door.deps.record.isDown = true;
    expect((await door.send()).status).toBe(202);
    expect(door.deps.topic.ofKind('refetch')).toHaveLength(1);
  });

  it('after the window is asked about as any other', async () => {
    const door = new Door();
    await door.send({ stamp: 'no stamp' });
    const { asked } = door.cost;
    door.deps.clock.advance(DEFAULTS.windowMs);
    await door.send({ stamp: 'no stamp' });
    expect(door.cost.asked).toBeGreaterThan(asked);
  });
});

describe('a webhook from outside of the window', () => {
  it.each([
    ['long ago', 301],
    ['the future', -301],
  ])(
    'a webhook from outside of the window of %s is a hint: what the record has is not fetched again',
    async (_, ageS) => {
      const door = new Door();
      await door.send();
      const { asked, reads } = door.cost;
      for (const revision of [13, 12, 1])
        expect(await door.send({ revision, ageS: ageS + Math.sign(ageS) * revision })).toEqual({
          status: 204,
        });
      expect(door.cost).toMatchObject({ asked, reads: reads + 3 });
    },
  );

  it('a webhook from outside of the window is handled as usual where the record does not have its revision', async () => {
    const door = new Door();
    expect(await door.send({ ageS: 7 * 365 * 86_400 })).toEqual({ status: 204 });
    expect(door.deps.record.headOf()?.revision).toBe(13);
  });

  it('a webhook from outside of the window is refused where the window is strict, and nothing is touched', async () => {
    const door = new Door({ isWindowStrict: true });
    for (const sent of [{ ageS: 301 }, { ageS: -301 }, { stamp: null }, { stamp: 1e300 }, { stamp: '1' }]) {
      const { status, body } = await door.send(sent);
      expect([status, body?.code], JSON.stringify(sent)).toEqual([400, 'WEBHOOK_EXPIRED']);
    }
    expect(door.cost).toEqual({ reads: 0, writes: 0, asked: 0 });
    expect(await door.send({ ageS: 299 })).toEqual({ status: 204 });
  });

  it('at the very edge is inside', async () => {
    const door = new Door({ isWindowStrict: true });
    expect((await door.send({ ageS: 300 })).status).toBe(204);
    expect((await door.send({ ageS: -300 })).status).toBe(204);
  });
});

it('what is remembered is bounded, and the oldest is forgotten first', async () => {
  const replays = new Replays(1_000);
  const answered = async (body: string) => {
    let wasRepeated = false;
    await replays.once(body, 0, async (isRepeated) => {
      wasRepeated = isRepeated;
      return 204;
    });
    return wasRepeated;
  };
  for (let i = 0; i <= REMEMBERED_MAX; i++) await answered(`body ${i}`);
  expect(replays.size).toBe(REMEMBERED_MAX);
  expect(await answered(`body ${REMEMBERED_MAX}`)).toBe(true);
  expect(await answered('body 0')).toBe(false);
});
