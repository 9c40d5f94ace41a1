import { describe, expect, it } from 'vitest';
import { ExpiringMap } from '../../../agent/services/expiring-map.ts';
import { FailureLog } from '../../../agent/services/failure-log.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryLog } from '../support/fakes.ts';

describe('troubles with services outside', () => {
  it('troubles with services outside are counted one by one, but said at once and then now and then', () => {
    const [clock, log, counted] = [new ManualClock(), new MemoryLog(), [] as string[]];
    const troubles = new FailureLog({ clock, log, count: ({ what }) => void counted.push(what) });
    for (let i = 0; i < 100; i++) troubles.note({ service: 'odp', what: 'segments' }, new Error(`no ${i}`));
    troubles.note({ service: 'redis', what: 'connection' }, new Error('gone'));
    expect(counted).toHaveLength(101);
    expect(log.of('service.failed').map(({ fields }) => [fields.what, fields.times, fields.error])).toEqual([
      ['segments', 1, 'no 0'],
      ['connection', 1, 'gone'],
    ]);
    clock.advance(10_000);
    expect(log.of('service.failed').at(-1)?.fields).toMatchObject({
      what: 'segments',
      times: 99,
      error: 'no 99',
    });
    clock.advance(60_000);
    expect(log.of('service.failed')).toHaveLength(3);
    expect(clock.waitingCount).toBe(0);
    troubles.note({ service: 'odp', what: 'segments' }, new Error('again'));
    expect(log.of('service.failed')).toHaveLength(4);
    troubles.stop();
    expect(clock.waitingCount).toBe(0);
  });
});

describe('a map that expires', () => {
  it('lets go of what was not used for longest, and of what is too old', () => {
    const clock = new ManualClock();
    const map = new ExpiringMap<number>(clock, 2, 1_000);
    map.set('a', 1);
    map.set('__proto__', 2);
    expect(map.get('a')).toBe(1);
    map.set('c', 3);
    expect([map.get('a'), map.get('__proto__'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
    clock.advance(1_000);
    expect([map.get('a'), map.get('c'), map.size]).toEqual([undefined, undefined, 0]);
  });

  it('keeps nothing when it has no room, and everything when it has no time', () => {
    const clock = new ManualClock();
    const [none, ever] = [new ExpiringMap<number>(clock, 0, 1), new ExpiringMap<number>(clock, 9, 0)];
    for (const map of [none, ever]) map.set('a', 1);
    clock.advance(1e12);
    expect([none.get('a'), ever.get('a')]).toEqual([undefined, 1]);
    ever.set('ab', 2);
    ever.set('b', 3);
    ever.deleteAll('a');
    expect([ever.get('a'), ever.get('ab'), ever.get('b')]).toEqual([undefined, undefined, 3]);
  });
});
