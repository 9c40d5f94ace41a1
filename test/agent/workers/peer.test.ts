import { describe, expect, it } from 'vitest';
import { Peer } from '../../../agent/workers/peer.ts';

interface Questions {
  double(n: number): number;
  fail(nothing: null): null;
  hang(nothing: null): null;
}
interface News {
  said(text: string): void;
}

function pair() {
  const heard: string[] = [];
  const left: Peer<Questions, News> = new Peer({
    send: (message) => queueMicrotask(() => right.receive(structuredClone(message))),
    answers: {},
    news: {},
  });
  const right: Peer<object & Record<never, never>, object & Record<never, never>> = new Peer({
    send: (message) => queueMicrotask(() => left.receive(structuredClone(message))),
    answers: {
      double: (n: number) => n * 2,
      fail: () => Promise.reject(new Error('no port')),
      hang: () => new Promise(() => {}),
    },
    news: { said: (text: string) => heard.push(text) },
  });
  return { left, right, heard };
}

describe('two processes', () => {
  it('answer each other, in any order', async () => {
    const { left } = pair();
    expect(await Promise.all([left.ask('double', 1), left.ask('double', 2)])).toEqual([2, 4]);
  });

  it('hear news before what is asked after them', async () => {
    const { left, heard } = pair();
    left.tell('said', 'first');
    left.tell('said', 'second');
    await left.ask('double', 1);
    expect(heard).toEqual(['first', 'second']);
  });

  it('say why they cannot answer', async () => {
    const { left } = pair();
    await expect(left.ask('fail', null)).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: expect.stringContaining('no port'),
    });
  });

  it('two processes do not wait for one that is gone', async () => {
    const { left } = pair();
    const waiting = left.ask('hang', null);
    left.close();
    await expect(waiting).rejects.toMatchObject({ code: 'WORKER_FAILED' });
    await expect(left.ask('double', 1)).rejects.toMatchObject({ code: 'WORKER_FAILED' });
  });

  it('two processes ignore messages that they do not know', () => {
    const { left } = pair();
    expect(() => left.receive({ news: 'of a later version', arg: 1 })).not.toThrow();
    expect(() => left.receive({ answer: 99, value: 1 })).not.toThrow();
  });
});
