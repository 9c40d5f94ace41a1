import { describe, expect, it } from 'vitest';
import { Refused } from '../../../../agent/http/kernel/refused.ts';
import { LARGE_WAITING_MAX, LONG_MAX, TURN_MS, Turns } from '../../../../agent/http/kernel/turns.ts';

const pass = () => new Promise((resolve) => setImmediate(resolve));

/** Turns by a clock that stands still but for what a step takes. */
function setUp() {
  let nowMs = 0;
  const turns = new Turns(() => nowMs);
  const takes = (ms: number) => {
    nowMs += ms;
  };
  return { turns, takes };
}

/** Turns of a process that has no room for more events until some were taken. */
function crowded() {
  let wait = Promise.withResolvers<void>();
  const events = {
    isCrowded: true,
    room: () => wait.promise,
    taken() {
      this.isCrowded = false;
      wait.resolve();
      wait = Promise.withResolvers();
    },
  };
  return { events, turns: new Turns(() => 0, events) };
}

describe('a turn', () => {
  it('answers what came together, in order and after the last of it came', async () => {
    const { turns } = setUp();
    const ran: number[] = [];
    for (const n of [1, 2, 3]) turns.add(() => ran.push(n));
    expect(ran).toEqual([]);
    await pass();
    expect(ran).toEqual([1, 2, 3]);
  });

  it('leaves what comes meanwhile to the next', async () => {
    const { turns } = setUp();
    const ran: string[] = [];
    turns.add(() => {
      ran.push('first');
      turns.add(() => ran.push('second'));
    });
    await pass();
    await pass();
    expect(ran).toEqual(['first', 'second']);
  });

  it('a turn is over for who took too long, and the others have theirs before it goes on', async () => {
    const { turns, takes } = setUp();
    const ran: (number | string)[] = [];
    const items = [1, 2, 3, 4];
    const done = turns.each(items, (item) => {
      ran.push(item);
      takes(TURN_MS / 2);
      // A request of another client, which comes while this one is being answered.
      if (item === 2) turns.add(() => ran.push('other'));
    });
    expect(ran).toEqual([1, 2]);
    await done;
    expect(ran).toEqual([1, 2, 'other', 3, 4]);
  });

  it('a turn is enough, within the call, for what is fast', () => {
    const { turns } = setUp();
    const ran: number[] = [];
    expect(turns.each([1, 2, 3], (item) => ran.push(item))).toBeUndefined();
    expect(ran).toEqual([1, 2, 3]);
  });

  it('a turn is had by one after another of those that take long', async () => {
    const { turns, takes } = setUp();
    const ran: string[] = [];
    const long = (name: string) =>
      turns.each([1, 2, 3], (item) => {
        ran.push(`${name}${item}`);
        takes(TURN_MS);
      });
    await Promise.all([long('a'), long('b')]);
    expect(ran).toEqual(['a1', 'a2', 'b1', 'a3', 'b2', 'b3']);
  });

  it('a turn is given to large requests after the others, as many as there is time for', async () => {
    const { turns, takes } = setUp();
    const ran: string[] = [];
    for (const name of ['large 1', 'large 2', 'large 3'])
      turns.addLarge(() => {
        ran.push(name);
        takes(TURN_MS / 2);
      });
    turns.add(() => ran.push('small'));
    await pass();
    expect(ran).toEqual(['small', 'large 1', 'large 2']);
    await pass();
    expect(ran).toEqual(['small', 'large 1', 'large 2', 'large 3']);
  });

  it('a turn is waited for by a limited number of requests', async () => {
    const { turns, takes } = setUp();
    const long = () => turns.each([1, 2], () => takes(TURN_MS));
    const waiting = Array.from({ length: LONG_MAX }, long);
    await expect(long()).rejects.toThrow(Refused);
    await Promise.all(waiting);
    await long();
    let taken = 0;
    while (taken <= LARGE_WAITING_MAX && turns.addLarge(() => {})) taken++;
    expect(taken).toBe(LARGE_WAITING_MAX);
  });

  it('comes for a request that makes many events when there is room for them, and for others before', async () => {
    const { events, turns } = crowded();
    const ran: string[] = [];
    void turns.next(true).then(() => ran.push('makes events'));
    void turns.next().then(() => ran.push('makes none'));
    await pass();
    expect([turns.isCrowded, ran]).toEqual([true, ['makes none']]);
    events.taken();
    await pass();
    expect([turns.isCrowded, ran]).toEqual([false, ['makes none', 'makes events']]);
  });

  it('a turn is not waited for by more than a limited number for the sake of events: none is refused for them', async () => {
    const { turns, events } = crowded();
    const waiting = Array.from({ length: LONG_MAX }, () => turns.long(() => turns.next(true)));
    expect(turns.isCrowded).toBe(false);
    events.taken();
    await Promise.all(waiting);
  });

  it('a turn that fails is told, and the others go on', async () => {
    const { turns, takes } = setUp();
    const failing = turns.each([1, 2], (item) => {
      takes(TURN_MS);
      if (item === 2) throw new Error('no');
    });
    const going = turns.each([1, 2], () => takes(TURN_MS));
    await expect(failing).rejects.toThrow('no');
    await going;
  });
});
