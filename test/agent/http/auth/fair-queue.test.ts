import { describe, expect, it } from 'vitest';
import { FairQueue } from '../../../../agent/http/auth/fair-queue.ts';
import { settled } from '../../support/fakes.ts';

function setUp({ laneMax = 10, allMax = 10 } = {}) {
  const queue = new FairQueue({ laneMax, allMax });
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  const gone = new Set<string>();
  const run = (lane: string, name: string) =>
    queue.run(
      lane,
      () => {
        begun.push(name);
        return new Promise<string>((resolve) => ends.push(() => resolve(name)));
      },
      () => !gone.has(name),
    );
  const endAll = async () => {
    for (let i = 0; i < ends.length; i++) {
      ends[i]?.();
      await settled();
    }
  };
  return { queue, begun, gone, run, endAll };
}

describe('the queue', () => {
  it('the queue does one piece at a time, and lanes take turns', async () => {
    const { begun, run, endAll } = setUp();
    const all = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1')];
    await settled();
    expect(begun).toEqual(['a1']);
    await endAll();
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', 'b1']);
    expect(begun.indexOf('b1')).toBeLessThan(begun.indexOf('a3'));
  });

  it('takes so many of a lane', async () => {
    const { run, endAll } = setUp({ laneMax: 1 });
    const all = [run('a', 'a1'), run('a', 'a2'), run('a', 'a3'), run('b', 'b1')];
    await endAll();
    expect(await Promise.all(all)).toEqual(['a1', 'a2', null, 'b1']);
  });

  it('lets the longest lane give way to shorter ones when it is full, its newest piece first', async () => {
    const { run, endAll } = setUp({ allMax: 3 });
    const all = [...['a1', 'a2', 'a3', 'a4'].map((name) => run('a', name)), run('b', 'b1'), run('b', 'b2')];
    await endAll();
    expect(await Promise.all(all)).toEqual(['a1', 'a2', 'a3', null, 'b1', null]);
  });

  it('the queue does not do what is not wanted any more, and counts it no more', async () => {
    const { begun, gone, run, endAll } = setUp({ laneMax: 2 });
    const all = ['a1', 'a2', 'a3'].map((name) => run('a', name));
    gone.add('a2').add('a3');
    all.push(run('a', 'a4'));
    await endAll();
    expect(await Promise.all(all)).toEqual(['a1', null, null, 'a4']);
    expect(begun).toEqual(['a1', 'a4']);
  });

  it('goes on after a piece that failed', async () => {
    const { queue } = setUp();
    await expect(queue.run('a', () => Promise.reject(new Error('no thread')))).rejects.toThrow('no thread');
    expect(await queue.run('a', async () => 'done')).toBe('done');
  });
});
